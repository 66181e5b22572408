import { createHash, randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { invariant, ObjectStore } from '#libs/domain';

/** Objects as files of a folder, `ab/cdef…`. A file appears whole or not at all: written beside its place, flushed, then renamed. */
export class FolderObjectStore extends ObjectStore {
  constructor(private readonly folder: string) {
    super();
  }

  override async put(bytes: Uint8Array): Promise<string> {
    const address = addressOf(bytes);
    const file = this.fileOf(address);
    if (await this.has(address)) return address;
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const beside = `${file}.${randomBytes(6).toString('hex')}`;
    try {
      const handle = await open(beside, 'wx', 0o600);
      try {
        await handle.writeFile(bytes);
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(beside, file);
    } catch (error) {
      await rm(beside, { force: true });
      throw error;
    }
    return address;
  }

  override async find(address: string): Promise<Uint8Array | undefined> {
    let bytes: Buffer;
    try {
      bytes = await readFile(this.fileOf(address));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
    return verified(address, bytes);
  }

  override async has(address: string): Promise<boolean> {
    return stat(this.fileOf(address)).then(
      () => true,
      () => false,
    );
  }

  private fileOf(address: string): string {
    invariant(/^[0-9a-f]{64}$/.test(address), 'an address is 64 hex digits');
    return join(this.folder, address.slice(0, 2), address.slice(2));
  }
}

/** The address of bytes. */
export function addressOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

/** The bytes, when they are what their address says; throws otherwise: the store has damaged them. */
export function verified(address: string, bytes: Uint8Array): Uint8Array {
  const found = addressOf(bytes);
  if (found !== address) throw new Error(`object ${address} is damaged: its bytes hash to ${found}`);
  return bytes;
}
