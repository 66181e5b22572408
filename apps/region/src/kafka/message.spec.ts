import assert from 'node:assert/strict';
import { test } from 'node:test';
import { anOrder } from '../invoker/order.fixture.js';
import { encodeInvocation, openInvocation, readOrder, Sealing } from './message.js';

/** Not a cipher: enough to see what goes through it. */
class Turned extends Sealing {
  override seal(_ns: string, bytes: Uint8Array): Promise<Uint8Array> {
    return Promise.resolve(bytes.map((byte) => byte ^ 0xff));
  }
  override open(ns: string, sealed: Uint8Array): Promise<Uint8Array> {
    return this.seal(ns, sealed);
  }
}

const args = Buffer.from('{"é":"\\u0000","number":12345678901234567890}');
const order = { ...anOrder(), secret: { apiKey: 'uuid:very-secret', env: { TOKEN: 'also-secret' } } };

test('an invocation survives the queue byte by byte', async () => {
  const sealing = new Turned();
  const { id, ns, body } = await encodeInvocation(sealing, order, args);
  assert.equal(id, order.activationId);
  assert.equal(ns, order.ns);
  const read = readOrder(body);
  assert.ok(read);
  assert.deepEqual(await openInvocation(sealing, read), { order, args });
});

test('neither secrets nor arguments stand in the queue readably', async () => {
  const { body } = await encodeInvocation(new Turned(), order, args);
  const text = Buffer.from(body).toString('latin1');
  for (const secret of ['very-secret', 'also-secret', '12345678901234567890']) assert.ok(!text.includes(secret), secret);
});

test('bodies of another version, cut ones and foreign ones are no orders', async () => {
  const { body } = await encodeInvocation(new Turned(), order, args);
  assert.equal(readOrder(Buffer.from(body).subarray(0, 20)), undefined);
  assert.equal(readOrder(Buffer.alloc(0)), undefined);
  assert.equal(readOrder(Buffer.from([2, ...body.subarray(1)])), undefined);
  assert.equal(readOrder(Buffer.from([1, 0, 0, 0, 2, 0x7b, 0x7b])), undefined);
});
