/** Throws when something that must hold does not: a bug in us, never bad input. */
export function invariant(holds: unknown, text: string): asserts holds {
  if (!holds) throw new Error(`invariant broken: ${text}`);
}
