import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assemble, type Line } from './bpf.js';
import { seccompProgram, verdicts } from './filter.js';
import { allowedCalls, machines } from './syscalls.js';

/** What the kernel would answer: a tiny interpreter of the instructions that the assembler knows. */
function answer(program: Buffer, call: number, audit: number, args: readonly number[] = []): number {
  const data = Buffer.alloc(64);
  data.writeUInt32LE(call, 0);
  data.writeUInt32LE(audit, 4);
  args.forEach((value, n) => data.writeBigUInt64LE(BigInt(value), 16 + 8 * n));
  let accumulator = 0;
  for (let at = 0; at < program.length / 8; at++) {
    const code = program.readUInt16LE(at * 8);
    const [yes, no, k] = [program[at * 8 + 2] ?? 0, program[at * 8 + 3] ?? 0, program.readUInt32LE(at * 8 + 4)];
    if (code === 0x20) accumulator = data.readUInt32LE(k);
    else if (code === 0x06) return k;
    else if (code === 0x05) at += k;
    else if (code === 0x15) at += accumulator === k ? yes : no;
    else if (code === 0x35) at += accumulator >= k ? yes : no;
    else if (code === 0x45) at += (accumulator & k) !== 0 ? yes : no;
    else throw new Error(`instruction ${code}`);
  }
  throw new Error('ran off the end');
}

for (const [architecture, { audit, numbers }] of machines) {
  const program = seccompProgram(architecture) ?? Buffer.alloc(0);
  const ask = (call: number, ...args: number[]): number => answer(program, call, audit, args);

  test(`${architecture}: exactly the listed calls are allowed`, () => {
    const allowed = new Set(allowedCalls.flatMap((name) => numbers.get(name) ?? []));
    for (let call = 0; call < 451; call++) {
      const expected = allowed.has(call) ? verdicts.allow : verdicts.errno(call === numbers.get('clone3') ? 38 : 1);
      assert.equal(ask(call, 1), expected, `call ${call}`);
    }
  });

  test(`${architecture}: calls of another machine kill, newer ones look absent`, () => {
    assert.equal(answer(program, 0, 0x4000_0003), verdicts.kill);
    assert.equal(ask(0x4000_0000), verdicts.errno(38));
    assert.equal(ask(600), verdicts.errno(38));
  });

  test(`${architecture}: no namespaces by clone, no foreign socket families, no typing into terminals`, () => {
    const clone = numbers.get('clone') ?? -1;
    const socket = numbers.get('socket') ?? -1;
    const ioctl = numbers.get('ioctl') ?? -1;
    assert.equal(ask(clone, 0x3d0f00), verdicts.allow);
    for (const bit of [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000])
      assert.equal(ask(clone, bit | 17), verdicts.errno(1));
    for (const family of [1, 2, 10, 16]) assert.equal(ask(socket, family), verdicts.allow);
    for (const family of [17, 38, 40]) assert.equal(ask(socket, family), verdicts.errno(97));
    assert.equal(ask(ioctl, 0, 0x5401), verdicts.allow);
    assert.equal(ask(ioctl, 0, 0x5412), verdicts.errno(1));
  });
}

test('a machine we have no table for gets no filter', () => assert.equal(seccompProgram('mips'), undefined));

test('a label that is missing, behind or out of reach is refused', () => {
  const far: Line[] = Array.from({ length: 300 }, () => ({ op: 'return', value: 0 }));
  assert.throws(() => assemble([{ op: 'jump', to: 'nowhere' }]), /no label/);
  assert.throws(
    () =>
      assemble([
        { op: 'label', name: 'back' },
        { op: 'jump', to: 'back' },
      ]),
    /-1 instructions/,
  );
  assert.throws(() => assemble([{ op: 'equal', value: 1, goto: 'end' }, ...far, { op: 'label', name: 'end' }]), /300 instructions/);
});
