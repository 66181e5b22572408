import {
  EntityStore,
  Failure,
  type EntityKey,
  type EntityKind,
  type EntityRow,
  type EntityWrite,
  type NamespaceId,
  type Space,
  type WorldRegion,
} from '#libs/domain';
import { nextHlc } from '#libs/replication';
import type pg from 'pg';
import { ask, transaction } from '../pools.js';
import { applyRow } from './apply.js';
import { columns, toEntityRow, type DatabaseRow } from './rows.js';

/** Version of the row format that this side writes. */
const schemaVersion = 1;

/** The definitions of a region in its Postgres. */
export class PgEntityStore extends EntityStore {
  constructor(
    private readonly reads: pg.Pool,
    private readonly writes: pg.Pool,
    private readonly region: WorldRegion,
  ) {
    super();
  }

  override async find({ space, ns, path }: EntityKey): Promise<EntityRow | undefined> {
    const rows = await ask<DatabaseRow>(this.reads, {
      name: 'entity-find',
      text: `select ${columns} from entity where space = $1 and ns = $2 and path = $3 and not deleted`,
      values: [space, ns, path],
    });
    return rows[0] && toEntityRow(rows[0]);
  }

  override write(key: EntityKey, decide: (current: EntityRow | undefined) => EntityWrite): Promise<{ row: EntityRow; token: string }> {
    return this.writeAt(key, decide, Date.now());
  }

  /**
   * Says the same in other bytes, such as ones that are encrypted with a newer key: the row's version goes up by the least step there is, so that
   * whatever a user wrote meanwhile in another region, which this side has not seen, is the newer one.
   */
  async restate(key: EntityKey, decide: (current: EntityRow | undefined) => EntityWrite): Promise<void> {
    await this.writeAt(key, decide, 0);
  }

  /** A page of a namespace's visible rows that hold anything encrypted, by space and path, behind the given key. */
  async encrypted(ns: NamespaceId, after: Pick<EntityKey, 'space' | 'path'> | undefined, limit: number): Promise<EntityRow[]> {
    const rows = await ask<DatabaseRow>(this.reads, {
      name: 'entity-encrypted',
      text: `select ${columns} from entity
              where ns = $1 and not deleted and (sealed is not null or blob is not null) and (space, path) > ($2::smallint, $3::text)
              order by space, path limit $4`,
      values: [ns, after?.space ?? -1, after?.path ?? '', limit],
    });
    return rows.map(toEntityRow);
  }

  private writeAt(
    key: EntityKey,
    decide: (current: EntityRow | undefined) => EntityWrite,
    nowMs: number,
  ): Promise<{ row: EntityRow; token: string }> {
    return transaction(this.writes, async (client) => {
      // Creators of one key queue up here: there is no row yet that they could lock.
      await ask(client, { text: `select pg_advisory_xact_lock(hashtextextended($1, 0))`, values: [`${key.space} ${key.ns} ${key.path}`] });
      const rows = await ask<DatabaseRow>(client, {
        name: 'entity-lock',
        text: `select ${columns} from entity where space = $1 and ns = $2 and path = $3 for update`,
        values: [key.space, key.ns, key.path],
      });
      const standing = rows[0] && toEntityRow(rows[0]);
      const wanted = decide(standing?.deleted === false ? standing : undefined);
      const row: EntityRow = {
        ...key,
        ...wanted,
        hlc: nextHlc(nowMs, standing?.hlc),
        origin: this.region.code,
        schema: schemaVersion,
      };
      if ((await applyRow(client, row)) !== 'applied') throw new Failure('concurrent');
      const [stamp] = await ask<{ xid: string; epoch: string }>(client, {
        name: 'entity-stamp',
        text: `select pg_current_xact_id()::text as xid, (select epoch from feed_epoch) as epoch, pg_notify('isochrone_entity', '')`,
      });
      return { row, token: `${this.region.id}.${stamp?.epoch}.${stamp?.xid}` };
    });
  }

  override async list({
    ns,
    kind,
    pkg,
    skip,
    limit,
  }: {
    ns: NamespaceId;
    kind: EntityKind;
    pkg?: string;
    skip: number;
    limit: number;
  }): Promise<EntityRow[]> {
    const rows = await ask<DatabaseRow>(this.reads, {
      name: 'entity-list',
      text: `select ${columns} from entity where space = 0 and not deleted and ns = $1 and kind = $2 and ($3::text is null or starts_with(path, $3))
             order by updated desc, path limit $4 offset $5`,
      values: [ns, kind, pkg === undefined ? null : `${pkg}/`, limit, skip],
    });
    return rows.map(toEntityRow);
  }

  override async count({ ns, kind, pkg }: { ns: NamespaceId; kind: EntityKind; pkg?: string }): Promise<number> {
    const rows = await ask<{ n: string }>(this.reads, {
      name: 'entity-count',
      text: `select count(*) as n from entity where space = 0 and not deleted and ns = $1 and kind = $2 and ($3::text is null or starts_with(path, $3))`,
      values: [ns, kind, pkg === undefined ? null : `${pkg}/`],
    });
    return Number(rows[0]?.n ?? 0);
  }

  override async findByPath(space: Space, path: string): Promise<EntityRow[]> {
    const rows = await ask<DatabaseRow>(this.reads, {
      name: 'entity-by-path',
      text: `select ${columns} from entity where space = $1 and path = $2 and not deleted order by hlc, origin`,
      values: [space, path],
    });
    return rows.map(toEntityRow);
  }

  override async all(space: Space): Promise<EntityRow[]> {
    const rows = await ask<DatabaseRow>(this.reads, {
      name: 'entity-space',
      text: `select ${columns} from entity where space = $1 and not deleted order by path, ns`,
      values: [space],
    });
    return rows.map(toEntityRow);
  }

  override async inNamespace(space: Space, ns: NamespaceId): Promise<EntityRow[]> {
    const rows = await ask<DatabaseRow>(this.reads, {
      name: 'entity-in-namespace',
      text: `select ${columns} from entity where space = $1 and ns = $2 and not deleted order by path`,
      values: [space, ns],
    });
    return rows.map(toEntityRow);
  }
}
