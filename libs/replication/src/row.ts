import type { EntityKey, EntityRow, Hlc } from '#libs/domain';
import { hlcMax } from './hlc.js';
import type { Seen } from './merge.js';

/** A row as regions exchange it. Fields that this version of the software does not know travel on in `extra`. */
export interface ReplicaRow extends Omit<EntityRow, 'sealed'> {
  /** Base64 of the encrypted part; null where there is none. */
  readonly sealed: string | null;
  /** Clock of the entity's creation. */
  readonly createdHlc: Hlc;
  readonly seen: Seen;
  /** Fields of a newer format, by name; empty for ours. */
  readonly extra: Readonly<Record<string, unknown>>;
}

/** Version of the row format that this software writes. */
export const rowSchema = 1;

/** A row as JSON: plain data, ready for JSON.stringify. */
export function encodeRow(row: ReplicaRow): Readonly<Record<string, unknown>> {
  const { extra, ...known } = row;
  return { ...extra, ...known };
}

/** Reads a row of a peer, whatever it sent. `invalid` says what is wrong; such a row is put aside and stops nothing. */
export function decodeRow(json: unknown): { readonly row: ReplicaRow } | { readonly invalid: string } {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return { invalid: 'a row is an object' };
  const { createdHlc, seen, ...fields } = json as Record<string, unknown>;
  const given = { ...fields, createdHlc: createdHlc ?? fields['hlc'], seen: seen ?? {} } as Record<string, unknown>;
  for (const [name, check] of Object.entries(checks)) if (!check(given[name])) return { invalid: `bad ${name}` };
  const known = given as unknown as Omit<ReplicaRow, 'extra'>;
  if (known.deleted && known.doc !== null) return { invalid: 'a tombstone has no doc' };
  const extra = Object.fromEntries(Object.entries(given).filter(([name]) => !Object.hasOwn(checks, name)));
  if (JSON.stringify(extra).length > extraLengthMax) return { invalid: 'too many unknown fields' };
  return { row: { ...pick(known), extra } };
}

/** A key as one text: for maps and for the order in which rows are locked. */
export function keyText(key: EntityKey): string {
  return `${key.space}/${key.ns}/${key.path}`;
}

const extraLengthMax = 65_536;
/** UTF-16 units; even in the longest characters such a path fits an index of Postgres. */
const pathLengthMax = 800;
const requiresMax = 64;

type Check = (value: unknown) => boolean;
const integer =
  (min: number, max: number): Check =>
  (v) =>
    Number.isSafeInteger(v) && (v as number) >= min && (v as number) <= max;
const matching =
  (pattern: RegExp): Check =>
  (v) =>
    typeof v === 'string' && pattern.test(v);
const orNull =
  (check: Check): Check =>
  (v) =>
    v === null || check(v);

const smallint = integer(0, 32_767);
const uuid = matching(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/);
const clock: Check = (v) => typeof v === 'string' && /^(0|[1-9]\d{0,18})$/.test(v) && BigInt(v) <= hlcMax;
const path: Check = (v) =>
  typeof v === 'string' && v.length > 0 && v.length <= pathLengthMax && !v.includes('\0') && !/\p{Surrogate}/u.test(v);
const requirement: Check = (v) => typeof v === 'object' && v !== null && smallint((v as EntityKey).space) && path((v as EntityKey).path);

const checks: Readonly<Record<keyof Omit<ReplicaRow, 'extra'>, Check>> = {
  space: smallint,
  ns: uuid,
  path,
  kind: smallint,
  entityId: uuid,
  hlc: clock,
  origin: integer(1, 255),
  schema: integer(1, 32_767),
  deleted: (v) => typeof v === 'boolean',
  doc: orNull(isJson),
  sealed: orNull(matching(/^[A-Za-z0-9+/]*={0,2}$/)),
  blob: orNull(matching(/^[0-9a-f]{64}$/)),
  requires: (v) => Array.isArray(v) && v.length <= requiresMax && v.every(requirement),
  updated: integer(0, Number.MAX_SAFE_INTEGER),
  createdHlc: clock,
  seen: (v) =>
    typeof v === 'object' &&
    v !== null &&
    !Array.isArray(v) &&
    Object.entries(v).every(([code, at]) => /^\d{1,3}$/.test(code) && clock(at)),
};

function isJson(value: unknown): boolean {
  if (typeof value !== 'string') return false;
  try {
    JSON.parse(value);
    return true;
  } catch {
    return false;
  }
}

function pick(row: Omit<ReplicaRow, 'extra'>): Omit<ReplicaRow, 'extra'> {
  return {
    space: row.space,
    ns: row.ns,
    path: row.path,
    kind: row.kind,
    entityId: row.entityId,
    hlc: row.hlc,
    origin: row.origin,
    schema: row.schema,
    deleted: row.deleted,
    doc: row.doc,
    sealed: row.sealed,
    blob: row.blob,
    requires: row.requires.map(({ space, path }) => ({ space, path })),
    updated: row.updated,
    createdHlc: row.createdHlc,
    seen: row.seen,
  };
}
