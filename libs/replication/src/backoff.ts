/** State of the line to a peer, as operators see it: `open` after several failures in a row, when only the back-off's trials are made. */
export type Circuit = 'closed' | 'trying' | 'open';

/** How long to wait after `failures` (1 or more) in a row: doubling from 0.2 s to 30 s, of which `random` (0 to 1) takes up to half away. */
export function backoffMs(failures: number, random: number): number {
  const whole = Math.min(30_000, 200 * 2 ** Math.min(failures - 1, 20));
  return Math.round(whole * (1 - random / 2));
}

/** The circuit's state after so many failures in a row. */
export function circuit(failures: number): Circuit {
  return failures === 0 ? 'closed' : failures < 3 ? 'trying' : 'open';
}
