/** Objects in a folder and on a real S3 server: the same bytes come back, or none do. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer, type IncomingHttpHeaders, type Server } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import type { ObjectStore } from '#libs/domain';
import { addressOf, FolderObjectStore, openObjectStore, S3ObjectStore } from '#libs/storage';
import { startS3, type S3Server } from '../support/s3.js';

let server: S3Server;
let folder: string;
const stores = new Map<string, ObjectStore>();
/** Replaces the stored copy of an object behind the store's back. */
const damage = new Map<string, (address: string, bytes: Uint8Array) => Promise<void>>();

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'isochrone-objects-'));
  server = await startS3();
  stores.set('folder', openObjectStore(`file:${folder}`));
  stores.set('S3', s3(server.endpoint));
  damage.set('folder', async (address, bytes) => writeFileSync(fileOf(address), bytes));
  damage.set('S3', async (address, bytes) => {
    const Key = `blobs/${address.slice(0, 2)}/${address.slice(2)}`;
    const client = server.client();
    await client.send(new PutObjectCommand({ Bucket: 'isochrone', Key, Body: bytes }));
    client.destroy();
  });
});

after(async () => {
  for (const store of stores.values()) if (store instanceof S3ObjectStore) store.close();
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function s3(endpoint: string, credentials = { s3AccessKey: server.accessKey, s3SecretKey: server.secretKey }, bucket = 'isochrone') {
  const location = `s3://${bucket}/blobs?endpoint=${encodeURIComponent(endpoint)}&region=us-east-1&pathStyle=true`;
  return openObjectStore(location, credentials) as S3ObjectStore;
}

const fileOf = (address: string) => join(folder, address.slice(0, 2), address.slice(2));

for (const name of ['folder', 'S3']) {
  const opened = () => stores.get(name) as ObjectStore;

  test(`${name}: objects of any length come back byte for byte`, async () => {
    for (const length of [0, 1, 4 * 1024 * 1024 + 1, 12 * 1024 * 1024]) {
      const bytes = randomBytes(length);
      const address = await opened().put(bytes);
      assert.equal(address, addressOf(bytes));
      assert.ok(await opened().has(address));
      assert.ok(bytes.equals((await opened().find(address)) ?? Buffer.from('absent')), `${length} bytes`);
    }
  });

  test(`${name}: what was never stored is absent, and no fault`, async () => {
    assert.equal(await opened().find('0'.repeat(64)), undefined);
    assert.equal(await opened().has('0'.repeat(64)), false);
  });

  test(`${name}: what is removed is absent, and removing it again finds nothing`, async () => {
    const address = await opened().put(randomBytes(1000));
    assert.deepEqual([await opened().remove(address), await opened().remove(address)], [true, false]);
    assert.equal(await opened().has(address), false);
    assert.equal(await opened().remove('0'.repeat(64)), false);
  });

  test(`${name}: sixteen writers of the same bytes all succeed and leave one object`, async () => {
    const bytes = randomBytes(100_000);
    const addresses = await Promise.all(Array.from({ length: 16 }, () => opened().put(bytes)));
    assert.deepEqual([...new Set(addresses)], [addressOf(bytes)]);
    assert.ok(bytes.equals((await opened().find(addressOf(bytes))) ?? Buffer.alloc(0)));
  });

  test(`${name}: a damaged object is never handed out, and storing it again mends it`, async () => {
    const bytes = randomBytes(5000);
    const address = await opened().put(bytes);
    await damage.get(name)?.(address, Buffer.concat([bytes, Buffer.from('x')]));
    await assert.rejects(opened().find(address), /is damaged/);
    assert.equal(await opened().put(bytes), address);
    assert.ok(bytes.equals((await opened().find(address)) ?? Buffer.alloc(0)));
  });

  test(`${name}: only an address is looked up, never a path`, async () => {
    await assert.rejects(async () => opened().find('../../../../etc/passwd'), /an address is 64 hex digits/);
  });
}

test('a folder keeps whole files, for their owner alone, and nothing beside them', async () => {
  const bytes = randomBytes(1000);
  const address = await new FolderObjectStore(folder).put(bytes);
  assert.deepEqual(readdirSync(join(folder, address.slice(0, 2))), [address.slice(2)]);
  assert.ok(readFileSync(fileOf(address)).equals(bytes));
});

test('an endpoint is an address or a plain host name, and keys stand below the prefix', async () => {
  const bytes = randomBytes(2000);
  const byName = s3(server.endpoint.replace('127.0.0.1', 'localhost'));
  const address = await byName.put(bytes);
  byName.close();
  assert.ok(bytes.equals((await stores.get('S3')?.find(address)) ?? Buffer.alloc(0)));
  const client = server.client();
  const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: 'isochrone' }));
  client.destroy();
  assert.ok(Contents.every(({ Key }) => /^blobs\/[0-9a-f]{2}\/[0-9a-f]{62}$/.test(Key ?? '')));
});

test('a wrong secret, a missing bucket and a dead server are faults of the store, never an absent object', async () => {
  const port = await withServer(createTcpServer(), async (port) => port);
  const dead = s3(`http://127.0.0.1:${port}`);
  const nowhere = s3(server.endpoint, undefined, 'nowhere');
  const stranger = s3(server.endpoint, { s3AccessKey: server.accessKey, s3SecretKey: 'wrong' });
  for (const store of [dead, nowhere, ...(server.checksSignatures ? [stranger] : [])]) {
    await assert.rejects(store.find('0'.repeat(64)), { code: 'unavailable', fault: 'object-store' });
    await assert.rejects(store.put(Buffer.from('x')), { code: 'unavailable', fault: 'object-store' });
  }
  for (const store of [dead, nowhere, stranger]) store.close();
});

test('a server that takes connections and says nothing holds nobody for long', async () => {
  const sockets = new Set<{ destroy(): void }>();
  const silent = createTcpServer((socket) => void sockets.add(socket.on('error', () => undefined)));
  await withServer(silent, async (port) => {
    const location = { bucket: 'isochrone', prefix: '', endpoint: `http://127.0.0.1:${port}`, region: 'us-east-1', pathStyle: true };
    const store = new S3ObjectStore({ ...location, accessKey: 'a', secretKey: 'b', timeoutMs: 100 });
    await assert.rejects(store.find('0'.repeat(64)), { code: 'unavailable', fault: 'object-store' });
    store.close();
    for (const socket of sockets) socket.destroy();
  });
});

test("requests carry no checksum of the SDK's own and no chunked signing, which other servers than AWS refuse", async () => {
  const seen: IncomingHttpHeaders[] = [];
  const recorder = createHttpServer((request, response) => {
    seen.push(request.headers);
    request.resume().on('end', () => response.writeHead(request.method === 'HEAD' ? 404 : 200).end());
  });
  await withServer(recorder, async (port) => {
    const store = s3(`http://127.0.0.1:${port}`);
    await store.put(randomBytes(70_000));
    store.close();
  });
  assert.equal(seen.length, 2);
  for (const headers of seen) {
    const names = Object.keys(headers);
    assert.deepEqual(
      names.filter((name) => /checksum|trailer|decoded-content-length/.test(name)),
      [],
    );
    assert.notEqual(headers['content-encoding'], 'aws-chunked');
  }
});

/** Runs `use` while a server listens on a free port of 127.0.0.1. */
async function withServer<T>(listening: ReturnType<typeof createTcpServer> | Server, use: (port: number) => Promise<T>): Promise<T> {
  await new Promise<void>((resolve) => listening.listen(0, '127.0.0.1', resolve));
  try {
    return await use((listening.address() as AddressInfo).port);
  } finally {
    await new Promise((resolve) => listening.close(resolve));
  }
}
