import type { MigrationInterface, QueryRunner } from 'typeorm';

/** An erasure covers what a region notes of alarms that went off: nothing of an erased namespace is noted any more, and what was, goes. */
export class ErasedAlarms1764000000006 implements MigrationInterface {
  readonly name = 'ErasedAlarms1764000000006';

  async up(runner: QueryRunner): Promise<void> {
    await runner.query(
      'create or replace trigger erased_guard before insert or update on alarm_fire for each row execute function erased_guard()',
    );
    await runner.query('delete from alarm_fire f using erased_namespace e where e.ns = f.ns');
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query('drop trigger if exists erased_guard on alarm_fire');
  }
}
