import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat, unlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Failure, ObjectStore } from '#libs/domain';
import { addressOf, placeOf, verified } from './addresses.js';

/** Objects as files of a folder, `ab/cdef…`. A file appears whole or not at all: written beside its place, flushed, then renamed. */
export class FolderObjectStore extends ObjectStore {
  constructor(private readonly folder: string) {
    super();
  }

  /** Stores bytes for good: when it resolves they outlive a power cut. A damaged copy that stands there is replaced. */
  override async put(bytes: Uint8Array): Promise<string> {
    const address = addressOf(bytes);
    const file = this.fileOf(address);
    if (await stands(file, bytes)) return address;
    try {
      await mkdir(dirname(file), { recursive: true, mode: 0o700 });
      await this.write(file, bytes);
    } catch (cause) {
      throw unavailable(cause);
    }
    return address;
  }

  override async find(address: string): Promise<Uint8Array | undefined> {
    const bytes = await absentOr(readFile(this.fileOf(address)));
    return bytes && verified(address, bytes);
  }

  override async has(address: string): Promise<boolean> {
    return (await absentOr(stat(this.fileOf(address)))) !== undefined;
  }

  override async remove(address: string): Promise<boolean> {
    const file = this.fileOf(address);
    return (await absentOr(unlink(file).then(() => true))) ?? false;
  }

  private async write(file: string, bytes: Uint8Array): Promise<void> {
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
    for (const folder of [dirname(file), this.folder]) await flush(folder);
  }

  private fileOf(address: string): string {
    return join(this.folder, placeOf(address));
  }
}

/** Whether a file holds exactly these bytes. */
async function stands(file: string, bytes: Uint8Array): Promise<boolean> {
  const standing = await absentOr(readFile(file));
  return standing?.equals(bytes) ?? false;
}

/** A new name in a folder is durable once the folder is. */
async function flush(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function absentOr<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unavailable(cause);
  }
}

function unavailable(cause: unknown): Failure {
  return new Failure('unavailable', {}, { cause, fault: 'object-store', retryAfterS: 1 });
}
