/** When a crashed process starts again: at once the first time, then ever later, as long as it does not stay up. */
const firstMs = 100;
const longestMs = 10_000;
/** A process that ran this long has recovered. */
const recoveredMs = 30_000;

/** How long to wait before restart number `crashes` (1 is the first) of a process that ran for `ranMs`, and what the count is then. */
export function backOff(crashes: number, ranMs: number): { waitMs: number; crashes: number } {
  const count = ranMs >= recoveredMs ? 1 : crashes + 1;
  return { waitMs: Math.min(longestMs, firstMs * 2 ** Math.min(count - 1, 16)), crashes: count };
}
