/**
 * Three regions in one thread: writers whose transactions commit out of order, skewed clocks, a network that loses, repeats, delays and parts,
 * services that crash at any step. Each seed is one history; after it the links heal and everything must agree. The rules of the protocol can be
 * broken one by one (mutants): each breach must be caught, else the simulation proves nothing. Anti-entropy is absent on purpose: it would hide losses.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { kinds, spaces, type RegionCode } from '#libs/domain';
import { aRow } from './builders.spec.js';
import {
  compareVersions,
  judgeBatch,
  keyText,
  nextHlc,
  planApply,
  resumeAt,
  seenAfter,
  type Cursor,
  type FeedPosition,
  type ReplicaRow,
  type Stretch,
} from './index.js';

/** The protocol's rules; a mutant has one of them off. */
const sound = { overwriteIsNewer: true, readsBelowHorizon: true, cursorWithRows: true, gapsRefused: true, codeFirst: true, parks: true };
type Rules = typeof sound;

interface Stored {
  row: ReplicaRow;
  xid: number;
}
interface Message extends Stretch {
  from: Region;
  to: Region;
  rows: ReplicaRow[];
}
interface Line {
  acked: Cursor | undefined;
  /** Steps until an unanswered batch is given up. */
  waiting: number;
}

class Region {
  readonly table = new Map<string, Stored>();
  readonly open: { row: ReplicaRow; xid: number }[] = [];
  readonly blobs = new Set<string>();
  readonly places = new Map<Region, FeedPosition>();
  readonly parked = new Map<string, ReplicaRow>();
  lines = new Map<Region, Line>();
  xid = 1;
  constructor(
    readonly code: RegionCode,
    readonly skewMs: number,
  ) {}

  state(): Map<string, ReplicaRow> {
    return new Map([...this.table].map(([key, stored]) => [key, stored.row]));
  }
}

class History {
  private readonly random: () => number;
  readonly regions: Region[];
  private readonly written: { row: ReplicaRow; replaced: ReplicaRow | undefined }[] = [];
  private network: Message[] = [];
  private nowMs = 1_000_000;
  private cut: [Region, Region] | undefined;
  private healed = false;
  private blobCount = 0;

  constructor(
    seed: number,
    private readonly rules: Rules,
  ) {
    this.random = mulberry32(seed);
    this.regions = [1, 2, 3].map((code) => new Region(code as RegionCode, this.upTo(120_000) - 60_000));
  }

  run(steps: number): void {
    for (let i = 0; i < steps; i += 1) this.step();
    this.healed = true;
    this.cut = undefined;
    for (const region of this.regions) while (region.open.length > 0) this.commit(region, 0);
    for (let i = 0; i < 40; i += 1) this.settle();
  }

  /** One round of every loop, on links that work. */
  private settle(): void {
    for (const region of this.regions) for (const peer of this.regions) if (peer !== region) this.push(region, peer);
    for (const message of this.network.splice(0)) this.arrive(message);
    for (const region of this.regions) this.retryParked(region);
  }

  private step(): void {
    this.nowMs += 1 + this.upTo(20);
    const region = this.pick(this.regions);
    const peer = this.pick(this.regions.filter((other) => other !== region));
    const dice = this.random();
    if (dice < 0.2) this.begin(region);
    else if (dice < 0.22) this.cut = this.random() < 0.5 ? [region, peer] : undefined;
    else if (dice < 0.24) this.crash(region);
    else if (dice < 0.4) this.commit(region, this.upTo(Math.max(region.open.length, 1)));
    else if (dice < 0.65) this.push(region, peer);
    else if (dice < 0.92) this.carry();
    else this.retryParked(region);
  }

  /** Opens a transaction that writes one row; its xid is drawn now, its commit comes later. The row stays locked until then. */
  private begin(region: Region): void {
    const path = this.pick(['pkg', 'pkg/a', 'pkg/b', 'c']);
    const row = aRow({ path, kind: path === 'pkg' ? kinds.package : kinds.action });
    const key = keyText(row);
    if (region.open.some((tx) => keyText(tx.row) === key)) return;
    if (path.startsWith('pkg/') && !region.table.has(keyText({ ...row, path: 'pkg' }))) return;
    const current = region.table.get(key)?.row;
    const deleted = path !== 'pkg' && current !== undefined && !current.deleted && this.random() < 0.2;
    const blob = deleted || path === 'pkg' ? null : String((this.blobCount += 1)).padStart(64, '0');
    if (blob) region.blobs.add(blob);
    const next: ReplicaRow = {
      ...row,
      deleted,
      doc: deleted ? null : row.doc,
      blob,
      requires: path.startsWith('pkg/') && !deleted ? [{ space: spaces.definition, path: 'pkg' }] : [],
      origin: region.code,
      hlc: nextHlc(this.nowMs + region.skewMs, this.rules.overwriteIsNewer ? current?.hlc : undefined),
      seen: seenAfter(current),
    };
    region.open.push({ row: next, xid: (region.xid += 1) });
  }

  private commit(region: Region, index: number): void {
    const [tx] = region.open.splice(index, 1);
    if (!tx) return;
    this.written.push({ row: tx.row, replaced: region.table.get(keyText(tx.row))?.row });
    region.table.set(keyText(tx.row), { row: tx.row, xid: tx.xid });
  }

  /** Reads the feed and puts a batch on the network, if none is under way. */
  private push(from: Region, to: Region): void {
    const line = from.lines.get(to) ?? { acked: undefined, waiting: 0 };
    from.lines.set(to, line);
    if (line.waiting > 0 && (line.waiting -= 1) > 0) return;
    if (!line.acked) {
      if (this.parted(from, to)) return;
      line.acked = resumeAt(String(from.code), to.places.get(from));
    }
    const after = line.acked;
    const horizon = this.rules.readsBelowHorizon ? Math.min(from.xid + 1, ...from.open.map((tx) => tx.xid)) : from.xid + 1;
    const found = [...from.table]
      .map(([key, stored]) => ({ ...stored, key }))
      .filter(({ xid, key }) => xid < horizon && (xid > Number(after.xid) || (xid === Number(after.xid) && key > after.key)))
      .sort((a, b) => a.xid - b.xid || (a.key < b.key ? -1 : 1));
    const page = found.slice(0, 3);
    const last = page.at(-1);
    const upto = found.length <= 3 ? { xid: String(horizon), key: '' } : { xid: String(last?.xid), key: last?.key ?? '' };
    const rows = page.filter(({ row }) => row.origin === from.code).map(({ row }) => row);
    if (!this.rules.gapsRefused) line.acked = upto;
    if (rows.length === 0 && upto.xid === after.xid) return;
    this.network.push({ from, to, epoch: String(from.code), after, upto, rows });
    line.waiting = this.rules.gapsRefused ? 8 : 0;
  }

  /** Loses, repeats, delays or delivers one message. */
  private carry(): void {
    const index = this.upTo(this.network.length);
    const message = this.network[index];
    if (!message) return;
    const dice = this.random();
    if (dice > 0.15) this.network.splice(index, 1);
    if (this.parted(message.from, message.to) || (dice > 0.15 && dice < 0.3)) return;
    this.arrive(message);
  }

  private arrive(message: Message): void {
    const { from, to } = message;
    if (message.rows.some((row) => to.open.some((tx) => keyText(tx.row) === keyText(row)))) return;
    const judgement = this.rules.gapsRefused ? judgeBatch(to.places.get(from), message) : { kind: 'take' as const };
    if (judgement.kind === 'take') {
      const crashed = !this.healed && this.random() < 0.05;
      if (!crashed) this.apply(to, message.rows);
      if (!crashed || !this.rules.cursorWithRows) to.places.set(from, { epoch: message.epoch, cursor: message.upto });
      if (crashed) return this.crash(to);
    }
    const answerLost = !this.healed && this.random() < 0.15;
    const line = from.lines.get(to);
    if (answerLost || !line || !this.rules.gapsRefused) return;
    line.acked = judgement.kind === 'gap' ? judgement.own.cursor : message.upto;
    line.waiting = 0;
  }

  private apply(to: Region, rows: readonly ReplicaRow[]): void {
    for (const { blob } of rows) if (blob && (this.healed || this.random() < 0.6)) to.blobs.add(blob);
    const visible = new Set([...to.table].filter(([, { row }]) => !row.deleted).map(([key]) => key));
    const blobs = this.rules.codeFirst ? to.blobs : new Set(rows.flatMap((row) => row.blob ?? []));
    const plan = planApply(rows, { current: to.state(), visible, blobs });
    const xid = (to.xid += 1);
    for (const row of plan.visible) {
      assert.ok(row.blob === null || to.blobs.has(row.blob), 'a row is visible without its code');
      to.table.set(keyText(row), { row, xid });
    }
    for (const row of [...plan.visible, ...plan.stale]) this.unpark(to, row);
    if (this.rules.parks) for (const { row } of plan.parked) this.park(to, row);
  }

  private park(to: Region, row: ReplicaRow): void {
    const key = `${keyText(row)}@${row.origin}`;
    const other = to.parked.get(key);
    if (!other || compareVersions(row, other) > 0) to.parked.set(key, row);
  }

  private unpark(to: Region, row: ReplicaRow): void {
    const key = `${keyText(row)}@${row.origin}`;
    const other = to.parked.get(key);
    if (other && compareVersions(other, row) <= 0) to.parked.delete(key);
  }

  private retryParked(region: Region): void {
    const rows = [...region.parked.values()].filter((row) => !region.open.some((tx) => keyText(tx.row) === keyText(row)));
    if (rows.length > 0) this.apply(region, rows);
  }

  /** The replication service of a region dies: its memory and what was on its way to it are gone. */
  private crash(region: Region): void {
    region.lines = new Map();
    this.network = this.network.filter((message) => message.to !== region || this.random() < 0.5);
  }

  /** Throws unless all regions agree and no write lost to one that it had replaced or outlived. */
  check(): void {
    for (const { row: write, replaced } of this.written) {
      if (replaced) assert.ok(compareVersions(write, replaced) > 0, 'a write is older than what it replaced');
      for (const region of this.regions) {
        const standing = region.table.get(keyText(write))?.row;
        assert.ok(standing && compareVersions(standing, write) >= 0, `a write is lost in region ${region.code}`);
      }
    }
    const [first, ...others] = this.regions.map((region) =>
      [...region.state()].map(([key, row]) => `${key} ${row.hlc}@${row.origin} ${row.deleted}`).sort(),
    );
    for (const other of others) assert.deepEqual(other, first, 'regions differ');
    assert.ok(
      this.regions.every((region) => region.parked.size === 0),
      'a row is parked for ever',
    );
  }

  private parted(a: Region, b: Region): boolean {
    return this.cut !== undefined && this.cut.includes(a) && this.cut.includes(b);
  }

  private upTo(n: number): number {
    return Math.floor(this.random() * n);
  }

  private pick<T>(items: readonly T[]): T {
    return items[this.upTo(items.length)] as T;
  }
}

/** Seeded randomness, uniform in 0 to 1. */
function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

function failure(seed: number, rules: Rules): string | undefined {
  try {
    const history = new History(seed, rules);
    history.run(300);
    history.check();
    return undefined;
  } catch (cause) {
    return (cause as Error).message.split('\n')[0];
  }
}

const seeds = Array.from({ length: 300 }, (_, index) => index + 1);

test('three regions agree after loss, repetition, partitions, crashes and 60 s of skew, and no write is lost', () => {
  for (const seed of seeds) assert.equal(failure(seed, sound), undefined, `seed ${seed}`);
});

for (const rule of Object.keys(sound) as (keyof Rules)[]) {
  test(`the simulation catches a protocol without the rule "${rule}"`, () => {
    assert.ok(seeds.some((seed) => failure(seed, { ...sound, [rule]: false }) !== undefined));
  });
}
