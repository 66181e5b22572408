import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { encodeFrame, FrameError, FrameReader, frameTypes, noId } from './frame.js';

test('frames survive any cutting of the stream', () => {
  const message = fc.record({
    id: fc.stringMatching(/^[0-9a-f]{32}$/),
    head: fc.dictionary(fc.string(), fc.string()),
    payload: fc.uint8Array({ maxLength: 200 }),
  });
  fc.assert(
    fc.property(fc.array(message, { maxLength: 8 }), fc.integer({ min: 1, max: 40 }), (messages, step) => {
      const bytes = Buffer.concat(messages.flatMap((m) => encodeFrame(frameTypes.RUN, m.id, m.head, m.payload)));
      const reader = new FrameReader();
      const got = [];
      for (let at = 0; at < bytes.length; at += step) got.push(...reader.push(bytes.subarray(at, at + step)));
      assert.deepEqual(
        got.map(({ id, head, payload }) => ({ id, head: { ...head }, payload: new Uint8Array(payload) })),
        messages.map((m) => ({ id: m.id, head: { ...m.head }, payload: m.payload })),
      );
    }),
  );
});

test('a frame over the largest size is refused before it is held', () => {
  const reader = new FrameReader(100);
  assert.throws(() => reader.push(Buffer.from([0, 0, 0, 200])), FrameError);
});

test('a frame at the largest size is read', () => {
  const bytes = Buffer.concat(encodeFrame(frameTypes.LOG, noId, {}, new Uint8Array(100 - 20 - 2)));
  assert.equal(new FrameReader(100).push(bytes).length, 1);
});

test('a foreign version, an unknown type and a head that is no object are refused', () => {
  const [frame = Buffer.alloc(0)] = encodeFrame(frameTypes.PING, noId);
  for (const [at, value] of [
    [4, 2],
    [5, 99],
  ] as const) {
    const broken = Buffer.from(frame);
    broken[at] = value;
    assert.throws(() => new FrameReader().push(broken), FrameError);
  }
  assert.throws(() => new FrameReader().push(Buffer.concat(encodeFrame(frameTypes.PING, noId, [1]))), FrameError);
});
