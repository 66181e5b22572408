import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What administration needs: the log of what operators did; which code belongs to which namespace, also where no row names it any more; and the
 * namespaces that were erased, of which nothing may come back. Guards stand in the database, so that no way of writing a row passes them by.
 */
export class Administration1764000000003 implements MigrationInterface {
  readonly name = 'Administration1764000000003';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop trigger if exists entity_guard on entity');
    for (const table of ['entity_parked', 'entity_conflict']) await runner.query(`drop trigger if exists erased_guard on ${table}`);
    await runner.query('drop index if exists activation_unkept');
    for (const table of ['admin_audit', 'namespace_blob', 'erased_namespace']) await runner.query(`drop table if exists ${table}`);
    for (const name of ['entity_guard', 'erased_guard', 'admin_audit_guard']) await runner.query(`drop function if exists ${name}`);
  }
}

/** 11 is the space of orders to erase (`spaces.erasure`), 4 the state of an activation of which nothing is kept. */
const statements = [
  `create table if not exists admin_audit (
     id bigserial primary key,
     at timestamptz not null default clock_timestamp(),
     operator text not null,
     what text not null,
     target text not null,
     origin text not null,
     status smallint not null,
     transid text not null)`,
  `create index if not exists admin_audit_at on admin_audit (at)`,
  `create or replace function admin_audit_guard() returns trigger language plpgsql as $$
   begin
     if tg_op = 'DELETE' and current_setting('isochrone.audit_expiry', true) = 'on' then
       return old;
     end if;
     raise exception 'the audit log is only ever added to';
   end $$`,
  `create or replace trigger admin_audit_guard before update or delete on admin_audit for each row execute function admin_audit_guard()`,
  `create or replace trigger admin_audit_whole before truncate on admin_audit for each statement execute function admin_audit_guard()`,

  `create table if not exists namespace_blob (ns uuid not null, blob text not null, primary key (ns, blob))`,
  `create index if not exists namespace_blob_blob on namespace_blob (blob)`,
  `insert into namespace_blob select distinct ns, blob from entity where blob is not null on conflict do nothing`,

  `create table if not exists erased_namespace (
     ns uuid primary key,
     ordered_at timestamptz not null default now(),
     swept_at timestamptz,
     counts jsonb not null default '{}')`,
  `create or replace function entity_guard() returns trigger language plpgsql as $$
   begin
     if new.space = 11 then
       insert into erased_namespace (ns) values (new.ns) on conflict do nothing;
       return new;
     end if;
     if exists (select from erased_namespace e where e.ns = new.ns) then
       return null;
     end if;
     if new.blob is not null then
       insert into namespace_blob values (new.ns, new.blob) on conflict do nothing;
     end if;
     return new;
   end $$`,
  `create or replace trigger entity_guard before insert or update on entity for each row execute function entity_guard()`,
  `create or replace function erased_guard() returns trigger language plpgsql as $$
   begin
     if exists (select from erased_namespace e where e.ns = new.ns) then
       return null;
     end if;
     return new;
   end $$`,
  `create or replace trigger erased_guard before insert or update on entity_parked for each row execute function erased_guard()`,
  `create or replace trigger erased_guard before insert or update on entity_conflict for each row execute function erased_guard()`,

  `create index if not exists activation_unkept on activation (ns) where state = 4`,
];
