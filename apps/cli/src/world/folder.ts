import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { Refusal } from '../refusal.js';
import { isReachable, ownFolder, sharedFolder } from './reach.js';

/** A socket's path may have 107 bytes on Linux and 103 on macOS; names of up to 40 are added to a folder with sockets. */
const socketFolderBytesMax = 60;

/** Everything a world keeps, by name. The folder is the world: stopping and starting again finds it all. */
export class DataFolder {
  readonly path: string;
  private kept: string | undefined;

  constructor(path: string) {
    this.path = resolve(path);
  }

  /** What the other processes read: libs/config has its schema. */
  get world(): string {
    return join(this.path, 'world.json');
  }

  /** Ports, codes and secrets, for the owner's eyes. */
  get settings(): string {
    return join(this.path, 'settings.json');
  }

  get lock(): string {
    return join(this.path, 'lock');
  }

  /** The processes that run, for a start after one that could not end well. */
  get running(): string {
    return join(this.path, 'run.json');
  }

  get authority(): string {
    return join(this.path, 'authority');
  }

  get logs(): string {
    return join(this.path, 'logs');
  }

  /** The log of one process. */
  log(name: string): string {
    return join(this.logs, `${name}.log`);
  }

  /** Where runtimes from the npm registry are kept, for all regions; erasing the world leaves them. */
  get runtimes(): string {
    return join(this.path, 'runtimes');
  }

  /** A folder of a region's own, such as its blobs. */
  region(id: string, name: string): string {
    return join(this.path, 'regions', id, name);
  }

  /** Folder of sockets: inside the world's own where its path is short enough for a socket. */
  get sockets(): string {
    const inside = join(this.path, 'sockets');
    return Buffer.byteLength(inside) <= socketFolderBytesMax ? inside : join(tmpdir(), `isochrone-${this.digest}`);
  }

  /** Where the supervisor listens for `status`, `kill` and `start`. */
  get control(): string {
    return join(this.sockets, 'control');
  }

  /**
   * Where files live that processes of other users must reach, Postgres' and sandboxes': the world's own folder, or one in the machine's
   * shared space where a parent of it is closed to others. `claimReachable` makes that.
   */
  get reachable(): string {
    return this.kept ?? (isReachable(this.path) ? this.path : this.outside);
  }

  /** Keeps to the place that an earlier start chose, though the folder was moved or its parents were opened or closed since. */
  keepReachable(place: string | undefined): void {
    if (place === undefined && !isReachable(this.path)) {
      throw new Refusal(`the databases in ${this.path} cannot be reached by the user they run as: open its parents again (chmod o+x)`);
    }
    this.kept = place ?? this.path;
  }

  /** What to remember of that place; undefined where it is the data folder itself. */
  get elsewhere(): string | undefined {
    return this.reachable === this.path ? undefined : this.reachable;
  }

  /** A region's Postgres cluster. */
  postgres(region: string): string {
    return join(this.reachable, 'regions', region, 'postgres');
  }

  /** Makes the folder, with room for sockets. Others may pass through it, and find every secret inside closed. */
  open(): void {
    if (existsSync(this.path) && !statSync(this.path).isDirectory()) throw new Refusal(`${this.path} is a file: --data takes a folder`);
    if (!this.isOurs()) throw new Refusal(`${this.path} holds files of something else: choose an empty folder with --data`);
    for (const folder of [this.path, join(this.path, 'regions')]) mkdirSync(folder, { recursive: true, mode: 0o711 });
    ownFolder(this.logs);
    chmodSync(this.path, 0o711);
    ownFolder(this.sockets);
  }

  /** Where sandboxes live, which have sockets too: reachable, and short. */
  get sandboxes(): string {
    const usual = join(this.reachable, 'sandbox');
    return Buffer.byteLength(usual) <= socketFolderBytesMax ? usual : join(this.outside, 'sandbox');
  }

  /** Makes what stands outside. What a former world of the same path left there is of no use to this one and goes. */
  claimReachable(worldId: string): void {
    const places = new Set([this.elsewhere, dirname(this.sandboxes)].filter((place) => place !== undefined && place !== this.path));
    for (const place of places) {
      const note = join(place ?? '', 'world-id');
      ownFolder(place ?? '', 0o711);
      if (existsSync(note) && readFileSync(note, 'utf8') === worldId) continue;
      rmSync(place ?? '', { recursive: true, force: true });
      ownFolder(place ?? '', 0o711);
      writeFileSync(note, worldId, { mode: 0o600 });
    }
  }

  /** Removes the sockets, which mean nothing once nobody listens. */
  closeSockets(): void {
    rmSync(this.sockets, { recursive: true, force: true });
  }

  /** Removes everything of the world, and nothing else that may stand beside it. */
  erase(): void {
    if (!this.isOurs()) throw new Refusal(`${this.path} holds files of something else: nothing was erased`);
    for (const name of contents) if (name !== 'lock') rmSync(join(this.path, name), { recursive: true, force: true });
    for (const folder of new Set([this.sockets, this.outside, this.elsewhere ?? this.outside]))
      rmSync(folder, { recursive: true, force: true });
  }

  /** Whether a world stands here, or could begin here. */
  private isOurs(): boolean {
    if (!existsSync(this.path)) return true;
    const names = readdirSync(this.path);
    return (
      names.every((name) => name.startsWith('.') || name.startsWith('lock.')) ||
      names.some((name) => contents.includes(name) || name === 'runtimes')
    );
  }

  private get outside(): string {
    return sharedFolder(`isochrone-${this.digest}`);
  }

  private get digest(): string {
    return createHash('sha256').update(this.path).digest('hex').slice(0, 12);
  }
}

/** The names at the top of a data folder. */
const contents = ['world.json', 'settings.json', 'lock', 'run.json', 'authority', 'regions', 'logs', 'sockets', 'sandbox', 'kafka'];
