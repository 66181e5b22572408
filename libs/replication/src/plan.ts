/**
 * What becomes of a batch of rows, decided at once from facts that were read under lock. A row is made visible only when the code it needs is
 * here and the rows it needs are visible; else it is parked, and the rows behind it go on. Rows of one batch satisfy each other, whatever their order.
 */
import { kinds, spaces, type EntityKey } from '#libs/domain';
import { compareVersions } from './hlc.js';
import { merge, type MergeState } from './merge.js';
import { keyText, type ReplicaRow } from './row.js';

/** What keeps a row from being visible. */
export interface Missing {
  /** Address of the code that is not here. */
  readonly blob?: string;
  /** Rows, of the same namespace, that are not visible. */
  readonly rows: readonly { readonly space: number; readonly path: string }[];
}

/** What the receiver knows before it decides. Maps and sets are keyed by `keyText`. */
export interface ApplyFacts {
  readonly current: ReadonlyMap<string, MergeState>;
  /** Rows that stand and are no tombstones, as far as the batch requires them. */
  readonly visible: ReadonlySet<string>;
  /** Addresses of code that is stored here. */
  readonly blobs: ReadonlySet<string>;
}

/** The decision: every row of the batch is in exactly one of `visible`, `parked`, `stale`. */
export interface ApplyPlan {
  readonly visible: readonly ReplicaRow[];
  readonly parked: readonly { readonly row: ReplicaRow; readonly missing: Missing }[];
  /** Rows that lost to what stands, or are it. */
  readonly stale: readonly ReplicaRow[];
  /** Incoming rows that lost to a version of which their author did not know. */
  readonly lost: readonly ReplicaRow[];
  /** Keys whose standing row loses to an incoming one whose author did not know of it. */
  readonly overwritten: readonly ReplicaRow[];
}

/** Decides what becomes of rows. Of several for one key only the newest counts. */
export function planApply(rows: readonly ReplicaRow[], facts: ApplyFacts): ApplyPlan {
  const visible: ReplicaRow[] = [];
  const stale: ReplicaRow[] = [];
  const lost: ReplicaRow[] = [];
  const overwritten: ReplicaRow[] = [];
  const present = new Map<string, boolean>();
  let waiting: ReplicaRow[] = [];

  for (const row of newestPerKey(rows)) {
    const verdict = merge(facts.current.get(keyText(row)), row);
    if (verdict.kind === 'apply') waiting.push(row);
    else stale.push(row);
    if (verdict.kind === 'stale' && verdict.concurrent) lost.push(row);
    if (verdict.kind === 'apply' && verdict.concurrent) overwritten.push(row);
  }
  const missingOf = (row: ReplicaRow) => missing(row, facts, (key) => present.get(key) ?? facts.visible.has(key));
  for (let progress = true; progress;) {
    const [ready, blocked] = split(waiting, (row) => {
      if (missingOf(row)) return false;
      present.set(keyText(row), !row.deleted);
      return true;
    });
    visible.push(...ready);
    waiting = blocked;
    progress = ready.length > 0 && blocked.length > 0;
  }
  const parked = waiting.map((row) => ({ row, missing: missingOf(row) ?? { rows: [] } }));
  const applied = new Set(visible);
  return { visible, parked, stale, lost, overwritten: overwritten.filter((row) => applied.has(row)) };
}

/** What a row still needs, or undefined where it may be seen. A tombstone needs nothing. */
export function missing(row: ReplicaRow, facts: Pick<ApplyFacts, 'blobs'>, isVisible: (key: string) => boolean): Missing | undefined {
  if (row.deleted) return undefined;
  const rows = row.requires.filter((need) => !isVisible(keyText({ ...need, ns: row.ns })));
  const blob = row.blob !== null && !facts.blobs.has(row.blob) ? row.blob : undefined;
  if (rows.length === 0 && blob === undefined) return undefined;
  return blob === undefined ? { rows } : { rows, blob };
}

/** Keys of the rows that a batch requires. */
export function requiredKeys(rows: readonly ReplicaRow[]): EntityKey[] {
  const keys = rows.filter((row) => !row.deleted).flatMap((row) => row.requires.map(({ space, path }) => ({ space, ns: row.ns, path })));
  return [...new Map(keys.map((key) => [keyText(key), key])).values()];
}

/**
 * The order in which rows of a batch are applied and locked: what opens and closes doors first (orders to erase, namespace keys, namespaces, subjects, auth keys, limits),
 * then parents before children, then by key, so that two batches never wait for each other in a circle.
 */
export function byUrgency(a: ReplicaRow, b: ReplicaRow): number {
  const [x, y] = [keyText(a), keyText(b)];
  return rank(a) - rank(b) || (x < y ? -1 : x > y ? 1 : 0);
}

const spaceRank = new Map<number, number>([
  [spaces.erasure, 0],
  [spaces.namespaceKey, 0],
  [spaces.namespace, 1],
  [spaces.subject, 2],
  [spaces.key, 2],
  [spaces.limits, 3],
]);
const kindRank = new Map<number, number>([
  [kinds.package, 4],
  [kinds.trigger, 5],
  [kinds.action, 5],
  [kinds.rule, 6],
]);

function rank(row: ReplicaRow): number {
  return (row.space === spaces.definition ? kindRank.get(row.kind) : spaceRank.get(row.space)) ?? 7;
}

function newestPerKey(rows: readonly ReplicaRow[]): ReplicaRow[] {
  const newest = new Map<string, ReplicaRow>();
  for (const row of rows) {
    const other = newest.get(keyText(row));
    if (!other || compareVersions(row, other) > 0) newest.set(keyText(row), row);
  }
  return [...newest.values()].sort(byUrgency);
}

function split<T>(items: readonly T[], first: (item: T) => boolean): [T[], T[]] {
  const yes: T[] = [];
  const no: T[] = [];
  for (const item of items) (first(item) ? yes : no).push(item);
  return [yes, no];
}
