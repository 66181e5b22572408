import type pg from 'pg';
import { ask, transaction } from '../pools.js';

/** One administrative call: who asked for what, about whom or what, from where, and what came of it. Never a secret. */
export interface AuditEntry {
  readonly atMs: number;
  /** Name of the operator's token; empty where none was right. */
  readonly operator: string;
  /** Method and route, such as `POST subjects/:name/block`. */
  readonly what: string;
  readonly target: string;
  /** Address of the caller. */
  readonly origin: string;
  /** HTTP status of the answer. */
  readonly status: number;
  readonly transid: string;
}

const dayMs = 86_400_000;
/** Entries that one statement lets go. */
const batch = 5000;

/** What operators did in a region. The database itself refuses to change an entry, or to let one go before its time. */
export class PgAudit {
  constructor(private readonly pool: pg.Pool) {}

  async append({ operator, what, target, origin, status, transid }: Omit<AuditEntry, 'atMs'>): Promise<void> {
    const values = [operator, what, target.slice(0, 512), origin.slice(0, 64), status, transid.slice(0, 256)].map((value) =>
      typeof value === 'string' ? value.replaceAll('\0', '\u{fffd}') : value,
    );
    await ask(this.pool, {
      name: 'audit-append',
      text: 'insert into admin_audit (operator, what, target, origin, status, transid) values ($1, $2, $3, $4, $5, $6)',
      values,
    });
  }

  /** The latest entries since then, oldest first. */
  async list(sinceMs: number, limit: number): Promise<AuditEntry[]> {
    const rows = await ask<Omit<AuditEntry, 'atMs'> & { at: Date }>(this.pool, {
      name: 'audit-list',
      text: 'select at, operator, what, target, origin, status, transid from admin_audit where at >= $1 order by at desc, id desc limit $2',
      values: [new Date(sinceMs), limit],
    });
    return rows.toReversed().map(({ at, ...entry }) => ({ atMs: at.getTime(), ...entry }));
  }

  /** Lets go what is older than so many days, and returns how many entries that were. */
  async expire(days: number, nowMs: number): Promise<number> {
    for (let total = 0; ;) {
      const gone = await transaction(this.pool, async (client) => {
        await ask(client, { text: `select set_config('isochrone.audit_expiry', 'on', true)` });
        return ask(client, {
          text: 'delete from admin_audit where id in (select id from admin_audit where at < $1 order by at limit $2) returning 1',
          values: [new Date(nowMs - days * dayMs), batch],
        });
      });
      total += gone.length;
      if (gone.length < batch) return total;
    }
  }
}
