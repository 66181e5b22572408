/** What a namespace costs that has ten thousand actions, beside one that has ten. */
import { Pool } from 'undici';
import { deploy } from '../test/support/client.js';
import type { World } from '../test/support/world.js';
import { load, type Round, type Shot } from './load.js';
import { compare, percentile, type Comparison } from './statistics.js';

const sizes = { few: 10, many: 10_000 } as const;
const rounds = 5;
const writers = 16;
const nop = 'function main() { return { ok: true }; }';

/** Lists, gets and invokes in both namespaces, alternating; `region` is the URL of one region of the world. */
export async function manyActions(world: World, region: string, say: (text: string) => void): Promise<Record<string, Comparison>> {
  const keys = { few: subject(world, 'bench-few'), many: subject(world, 'bench-many') };
  for (const who of ['few', 'many'] as const) {
    say(`${sizes[who]} actions in a namespace`);
    await fill(region, keys[who], sizes[who]);
    await deploy(region, 'nop', nop, {}, keys[who]);
  }
  const shots = (key: string): Record<'list' | 'get' | 'invoke', Shot> => {
    const headers = { authorization: `Basic ${Buffer.from(key).toString('base64')}`, 'content-type': 'application/json' };
    const at = (method: 'GET' | 'POST', path: string): Shot => ({
      base: region,
      method,
      path: `/api/v1/namespaces/_/actions${path}`,
      headers,
    });
    return { list: at('GET', '?limit=10'), get: at('GET', '/nop'), invoke: at('POST', '/nop?blocking=true&result=true') };
  };
  const both = { few: shots(keys.few), many: shots(keys.many) };
  const results: Record<string, Comparison> = {};
  for (const what of ['list', 'get', 'invoke'] as const) {
    say(`${what} among ${sizes.few} and among ${sizes.many}`);
    const samples: Record<'few' | 'many', Round[]> = { few: [], many: [] };
    for (const who of ['few', 'many'] as const) await load(both[who][what], 1, 300);
    for (let i = 0; i < rounds; i += 1) {
      for (const who of ['few', 'many'] as const) samples[who].push(await load(both[who][what], 1, 500));
    }
    const p50 = (list: readonly Round[]): number[] => list.map(({ latenciesMs }) => percentile(latenciesMs, 0.5));
    results[`${what}Among10000`] = compare('ms', `the same in a namespace of ${sizes.few} actions`, p50(samples.many), p50(samples.few));
  }
  return results;
}

function subject(world: World, name: string): string {
  return world.isochrone('subjects', 'create', name).trim();
}

async function fill(region: string, key: string, count: number): Promise<void> {
  const pool = new Pool(region, { connections: writers, pipelining: 1 });
  const headers = { authorization: `Basic ${Buffer.from(key).toString('base64')}`, 'content-type': 'application/json' };
  const body = JSON.stringify({ exec: { kind: 'nodejs:20', code: nop } });
  let next = 0;
  const writer = async (): Promise<void> => {
    while (next < count) {
      const path = `/api/v1/namespaces/_/actions/a${String((next += 1))}`;
      const answer = await pool.request({ path, method: 'PUT', headers, body });
      const text = await answer.body.text();
      if (answer.statusCode !== 200) throw new Error(`${path}: ${answer.statusCode} ${text.slice(0, 200)}`);
    }
  };
  await Promise.all(Array.from({ length: writers }, writer));
  await pool.close();
}
