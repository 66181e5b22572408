import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What the controllers of a region count together: a namespace's requests of the current minute and its invocations in flight. The tables are not
 * logged: after a crash of the database a minute's counts start anew, and what is in flight is told again by those who have it.
 */
export class Throttles1764000000004 implements MigrationInterface {
  readonly name = 'Throttles1764000000004';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop function if exists throttle_admit');
    for (const table of ['throttle_flight', 'throttle_rate', 'throttle_controller']) await runner.query(`drop table if exists ${table}`);
  }
}

/** The row of `throttle_rate` that an admission changes is also the lock that keeps two controllers from giving the same room away. */
const statements = [
  `create unlogged table if not exists throttle_controller (controller uuid primary key, seen timestamptz not null)`,
  `create unlogged table if not exists throttle_rate (
     ns uuid not null, rate text not null, minute bigint not null, count bigint not null, primary key (ns, rate)
   )`,
  `create unlogged table if not exists throttle_flight (
     ns uuid not null, controller uuid not null, flying int not null, primary key (ns, controller)
   )`,
  `create or replace function throttle_admit(
     me uuid, asked_ns uuid, asked_rate text, asked_minute bigint, asking int, untold int, own int, per_minute bigint, at_once bigint, alive_ms int,
     out count bigint, out elsewhere bigint
   ) language plpgsql as $$
   declare
     room bigint;
   begin
     insert into throttle_rate as r (ns, rate, minute, count) values (asked_ns, asked_rate, asked_minute, asking + untold)
     on conflict (ns, rate) do update set
       count = case when excluded.minute > r.minute then excluded.count else r.count + excluded.count end,
       minute = greatest(r.minute, excluded.minute)
     returning r.count into count;
     elsewhere := 0;
     if at_once is null then
       return;
     end if;
     select coalesce(sum(f.flying), 0) into elsewhere
     from throttle_flight f join throttle_controller c using (controller)
     where f.ns = asked_ns and f.controller <> me and c.seen > clock_timestamp() - alive_ms * interval '1 millisecond';
     room := least(asking, greatest(0, per_minute - (count - asking)), greatest(0, at_once - own - elsewhere));
     insert into throttle_flight as f (ns, controller, flying) values (asked_ns, me, own + room)
     on conflict (ns, controller) do update set flying = excluded.flying;
   end $$`,
];
