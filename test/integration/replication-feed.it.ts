/** The feed against thousands of transactions that are open at once and end in any order: below the horizon nothing is lost, by a growing id it is. */
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { type RegionCode } from '#libs/domain';
import { feedStart } from '#libs/replication';
import { PgChangeFeed } from '#libs/storage';
import pg from 'pg';
import { TestWorld, testNamespace, type TestRegion } from '../support/replication-world.js';

const openAtOnce = 2000;
const transactions = 3000;

let world: TestWorld;
let region: TestRegion;

before(async () => {
  world = await TestWorld.make(['us-east-1'], ['eu-west-1'], { max_prepared_transactions: String(openAtOnce + 100) });
  region = world.regions[0] as TestRegion;
});

after(() => world?.close());

/** Writes a row in a transaction that stays open after its connection moved on. */
async function open(client: pg.Client, n: number): Promise<void> {
  await client.query('begin');
  await client.query(
    `insert into entity (space, ns, path, kind, entity_id, hlc, origin, schema, deleted, doc, updated, created_hlc)
     values (0, $1, $2, 1, gen_random_uuid(), $3, $4, 1, false, '{}', 0, $3)`,
    [testNamespace, `row-${n}`, n + 1, region.code],
  );
  await client.query(`prepare transaction 'tx-${n}'`);
}

test(`of ${transactions} transactions, ${openAtOnce} open at once and ended in random order, the feed loses none and a reader by id some`, async (t) => {
  const connections = await Promise.all(Array.from({ length: 8 }, () => connect()));
  const feed = new PgChangeFeed(region.storage.pool, region.code as RegionCode);
  const seen = new Set<string>();
  const naive = new Set<string>();
  let writing = true;

  const reading = (async () => {
    const query = { peer: 2 as RegionCode, relay: false, rowsMax: 100, bytesMax: 1_000_000 };
    for (let cursor = feedStart, ended = false; !ended;) {
      const last = !writing;
      const page = await feed.after(cursor, query);
      for (const row of page.rows) {
        assert.ok(!seen.has(row.path), 'a row that did not change comes once');
        seen.add(row.path);
      }
      cursor = page.upto;
      ended = last && page.drained;
    }
  })();
  const readingById = (async () => {
    for (let last = '0', ended = false; !ended;) {
      const over = !writing;
      const { rows } = await region.storage.pool.query<{ path: string; id: string }>(
        'select path, change_xid::text as id from entity where change_xid > $1::xid8 order by change_xid limit 100',
        [last],
      );
      rows.forEach((row) => naive.add(row.path));
      ended = over && rows.length === 0;
      last = rows.at(-1)?.id ?? last;
    }
  })();

  let next = 0;
  const pending: number[] = [];
  const work = async (client: pg.Client) => {
    for (;;) {
      if (next < transactions && pending.length < openAtOnce) {
        const n = next++;
        await open(client, n);
        pending.push(n);
      } else if (pending.length > 0) {
        const [n] = pending.splice(Math.floor(Math.random() * pending.length), 1);
        await client.query(`commit prepared 'tx-${n}'`);
      } else return;
    }
  };
  await Promise.all(connections.map(work));
  writing = false;
  await Promise.all([reading, readingById]);
  await Promise.all(connections.map((client) => client.end()));

  t.diagnostic(`by id: ${transactions - naive.size} of ${transactions} lost`);
  assert.equal(seen.size, transactions);
  assert.ok(naive.size < transactions, 'reading by a growing id loses rows in this very run');
});

test('a page is bounded by bytes, and a single larger row still comes', async () => {
  await region.storage.pool.query(
    `update entity set doc = '"' || repeat('x', 10000) || '"', hlc = hlc + 100000, change_xid = pg_current_xact_id() where path < 'row-2'`,
  );
  const feed = new PgChangeFeed(region.storage.pool, region.code as RegionCode);
  const query = { peer: 2 as RegionCode, relay: false, rowsMax: 500 };
  const small = await feed.after(feedStart, { ...query, bytesMax: 1 });
  assert.equal(small.rows.length, 1);
  assert.equal(small.drained, false);
  const all = new Set<string>();
  for (let cursor = feedStart, drained = false; !drained;) {
    const page = await feed.after(cursor, { ...query, bytesMax: 200_000 });
    assert.ok(page.rows.reduce((sum, row) => sum + (row.doc?.length ?? 0), 0) <= 200_000);
    page.rows.forEach((row) => all.add(row.path));
    [cursor, drained] = [page.upto, page.drained];
  }
  assert.equal(all.size, transactions);
});

test('a peer does not get its own rows back, and others only when it is relayed to', async () => {
  const { pool } = region.storage;
  await pool.query(`update entity set origin = 2, change_xid = pg_current_xact_id() where path = 'row-1'`);
  await pool.query(`update entity set origin = 3, change_xid = pg_current_xact_id() where path = 'row-2'`);
  const feed = new PgChangeFeed(pool, region.code as RegionCode);
  const { rows } = await pool.query<{ xid: string }>(`select change_xid::text as xid from entity where path = 'row-1'`);
  const from = { xid: rows[0]?.xid ?? '', key: '' };
  const query = { peer: 2 as RegionCode, rowsMax: 10, bytesMax: 100_000 };
  assert.deepEqual((await feed.after(from, { ...query, relay: false })).rows, []);
  assert.deepEqual(
    (await feed.after(from, { ...query, relay: true })).rows.map((row) => row.path),
    ['row-2'],
  );
});

async function connect(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: region.env['ISOCHRONE_DATABASE_URL'] });
  await client.connect();
  return client;
}
