/**
 * Classic BPF, as seccomp runs it: 8 bytes an instruction, jumps forward only. A program is written as a list of instructions and labels;
 * jumps name labels and are resolved here. Example: `[load(0), jumpIf(59, 'yes'), give(deny), label('yes'), give(allow)]`.
 * Known limit: a conditional jump reaches 255 instructions; longer tables take `jump`, whose reach is 32 bits.
 */

/** Words of `struct seccomp_data` (little-endian): offsets of what a filter looks at. */
export const data = {
  call: 0,
  machine: 4,
  /** The lower or upper half of an argument. */
  argument: (n: number, half: 'low' | 'high' = 'low'): number => 16 + 8 * n + (half === 'low' ? 0 : 4),
} as const;

/** One line of a program. */
export type Line =
  | { readonly op: 'load'; readonly offset: number }
  | { readonly op: 'and'; readonly mask: number }
  | { readonly op: 'equal' | 'atLeast' | 'anyBit'; readonly value: number; readonly goto: string }
  | { readonly op: 'jump'; readonly to: string }
  | { readonly op: 'return'; readonly value: number }
  | { readonly op: 'label'; readonly name: string };

const opcodes = { load: 0x20, and: 0x54, equal: 0x15, atLeast: 0x35, anyBit: 0x45, jump: 0x05, return: 0x06 } as const;

/** Longest program the kernel takes. */
const instructionsMax = 4096;

/** The bytes of a program. Throws on a label that is missing or out of reach. */
export function assemble(lines: readonly Line[]): Buffer {
  const places = new Map<string, number>();
  let count = 0;
  for (const line of lines) {
    if (line.op === 'label') places.set(line.name, count);
    else count++;
  }
  if (count > instructionsMax) throw new Error(`a filter of ${count} instructions, the kernel takes ${instructionsMax}`);
  const bytes = Buffer.alloc(count * 8);
  let at = 0;
  for (const line of lines) if (line.op !== 'label') encode(bytes, at++, line, places);
  return bytes;
}

function encode(bytes: Buffer, at: number, line: Exclude<Line, { op: 'label' }>, places: ReadonlyMap<string, number>): void {
  const distance = (name: string, reach: number): number => {
    const place = places.get(name);
    if (place === undefined) throw new Error(`no label '${name}'`);
    const steps = place - at - 1;
    if (steps < 0 || steps > reach) throw new Error(`label '${name}' is ${steps} instructions away, at most ${reach} can be jumped`);
    return steps;
  };
  bytes.writeUInt16LE(opcodes[line.op], at * 8);
  switch (line.op) {
    case 'load':
      bytes.writeUInt32LE(line.offset, at * 8 + 4);
      return;
    case 'and':
      bytes.writeUInt32LE(line.mask >>> 0, at * 8 + 4);
      return;
    case 'equal':
    case 'atLeast':
    case 'anyBit':
      bytes[at * 8 + 2] = distance(line.goto, 255);
      bytes.writeUInt32LE(line.value >>> 0, at * 8 + 4);
      return;
    case 'jump':
      bytes.writeUInt32LE(distance(line.to, 0xffff_ffff), at * 8 + 4);
      return;
    case 'return':
      bytes.writeUInt32LE(line.value >>> 0, at * 8 + 4);
  }
}
