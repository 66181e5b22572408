import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What a region knows of its alarms beyond their rows: the last time for which each went off here, whether that was seen to, and when the region's
 * alarms were last under watch.
 */
export class Alarms1764000000005 implements MigrationInterface {
  readonly name = 'Alarms1764000000005';

  async up(runner: QueryRunner): Promise<void> {
    for (const statement of statements) await runner.query(statement);
  }

  async down(runner: QueryRunner): Promise<void> {
    for (const table of ['alarm_fire', 'alarm_watch']) await runner.query(`drop table if exists ${table}`);
  }
}

const statements = [
  `create table if not exists alarm_fire (
     ns uuid not null, path text not null, alarm uuid not null, due bigint not null, claimed bigint not null, fires bigint not null,
     done boolean not null, primary key (ns, path)
   )`,
  `create table if not exists alarm_watch (one boolean primary key default true check (one), at bigint not null)`,
];
