import type { MigrationInterface, QueryRunner } from 'typeorm';

/** The tables of a region: definitions and their replication, activations, the local queue of record. */
export class Tables1764000000001 implements MigrationInterface {
  readonly name = 'Tables1764000000001';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of [
      'queue_message',
      'activation',
      'feed_epoch',
      'repl_member',
      'repl_cursor',
      'entity_conflict',
      'entity_parked',
      'entity',
    ]) {
      await runner.query(`drop table if exists ${table}`);
    }
  }
}

const statements = [
  // Documents are text, not jsonb: jsonb refuses U+0000 and respells numbers, and nothing is ever searched inside them.
  `create table entity (
     space smallint not null,
     ns uuid not null,
     path text not null,
     kind smallint not null,
     entity_id uuid not null,
     hlc bigint not null,
     origin smallint not null,
     schema smallint not null,
     deleted boolean not null,
     doc text,
     sealed bytea,
     blob text,
     requires jsonb not null default '[]',
     updated bigint not null,
     created_hlc bigint not null,
     change_xid xid8 not null default pg_current_xact_id(),
     primary key (space, ns, path))`,
  `create index entity_change on entity (change_xid, space, ns, path)`,
  `create index entity_list on entity (ns, kind, updated desc, path) where space = 0 and not deleted`,
  `create index entity_path on entity (space, path)`,
  `create table entity_parked (
     space smallint not null,
     ns uuid not null,
     path text not null,
     origin smallint not null,
     hlc bigint not null,
     row text not null,
     missing jsonb not null,
     since timestamptz not null default now(),
     primary key (space, ns, path, origin))`,
  `create table entity_conflict (
     id bigserial primary key,
     space smallint not null,
     ns uuid not null,
     path text not null,
     winner_hlc bigint not null,
     winner_origin smallint not null,
     loser text not null,
     at timestamptz not null default now())`,
  `create table repl_cursor (peer smallint primary key, feed_epoch uuid not null, cur_xid xid8 not null, cur_key text not null, updated_at timestamptz not null default now())`,
  `create table repl_member (region text primary key, code smallint not null unique, state text not null, epoch int not null, url text not null)`,
  // One row: a new epoch tells peers that this database was restored or replaced and must be read from the start.
  `create table feed_epoch (single boolean primary key default true check (single), epoch uuid not null)`,
  `insert into feed_epoch (epoch) values (gen_random_uuid())`,
  `create table activation (
     id uuid not null,
     accepted_at timestamptz not null,
     ns uuid not null,
     state smallint not null,
     attempt int not null,
     invoker text,
     lease_until timestamptz,
     body bytea,
     name text,
     filter_name text,
     start_ms bigint,
     end_ms bigint,
     duration_ms bigint,
     status smallint,
     transid text,
     record text,
     result text,
     logs text,
     primary key (id, accepted_at)
   ) partition by range (accepted_at)`,
  `create index activation_list on activation (ns, start_ms desc) where state = 3`,
  `create index activation_name on activation (ns, filter_name, start_ms desc) where state = 3`,
  `create index activation_due on activation (lease_until) where state < 3`,
  `create index activation_transid on activation (transid) where transid is not null`,
  `create table activation_default partition of activation default`,
  `create table queue_message (
     seq bigserial primary key,
     topic text not null,
     id uuid not null,
     ns uuid not null,
     body bytea not null,
     visible_at timestamptz not null,
     attempts int not null default 0)`,
  `create index queue_ripe on queue_message (topic, visible_at, seq)`,
];
