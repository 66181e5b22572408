import type { EntityRow } from '#libs/domain';
import { applyRow, migrate, openPool, transaction } from '#libs/storage';
import type { Logger } from '#libs/telemetry';

/** Writes the rows that a region holds from the start, all or none; newer ones that stand there stay. Twice is once. */
export async function writeSeeds(databaseUrl: string, rows: readonly EntityRow[], logger: Logger): Promise<void> {
  await migrate(databaseUrl, logger);
  const pool = openPool(databaseUrl, 'seeds', 1, logger);
  try {
    await transaction(pool, async (client) => {
      for (const row of rows) await applyRow(client, row);
    });
  } finally {
    await pool.end();
  }
}
