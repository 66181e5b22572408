import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What replication needs of the entity table beyond its version: `seen`, the newest version of each other region that went into a row (kept by a
 * trigger on local writes, taken as it comes on applied ones), and `extra`, fields of a newer format that travel on. And the published state of peers.
 */
export class Replication1764000000002 implements MigrationInterface {
  readonly name = 'Replication1764000000002';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop trigger if exists entity_seen on entity');
    await runner.query('drop function if exists entity_seen()');
    await runner.query('drop table if exists repl_peer_status');
    await runner.query('alter table entity drop column if exists seen, drop column if exists extra');
  }
}

const statements = [
  `alter table entity add column if not exists seen jsonb not null default '{}', add column if not exists extra json`,
  `create or replace function entity_seen() returns trigger language plpgsql as $$
   begin
     new.seen := old.seen || jsonb_build_object(old.origin::text, old.hlc::text);
     return new;
   end $$`,
  `drop trigger if exists entity_seen on entity`,
  `create trigger entity_seen before update on entity for each row
   when (old.hlc is distinct from new.hlc and current_setting('isochrone.applying', true) is distinct from 'on')
   execute function entity_seen()`,
  `create table if not exists repl_peer_status (
     peer smallint primary key,
     lag_ms bigint not null,
     pending int not null,
     state text not null,
     feed_epoch uuid,
     acked_xid xid8,
     acked_key text,
     at timestamptz not null
   )`,
];
