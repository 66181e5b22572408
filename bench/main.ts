/** Measures a world beside bare controls in the same run and prints JSON. How to read it: bench/README.md. */
import { cpus } from 'node:os';
import { actionPath, ask, deploy, invoke } from '../test/support/client.js';
import { PostgresServer } from '../test/support/postgres-server.js';
import { guestKey, startWorld, type World } from '../test/support/world.js';
import { bareNodeStartMs, startChain } from './control/start.js';
import { load, type Round } from './load.js';
import { manyActions } from './many.js';
import { compare, percentile, type Comparison } from './statistics.js';

const rounds = 5;
const nop = 'function main() { return { ok: true }; }';
const say = (text: string) => void process.stderr.write(`${text}\n`);

say('starting a world of two regions');
const startedAt = performance.now();
const world = await startWorld({ regions: ['us-east-1', 'eu-west-1'], limits: 'seed', env: { ISOCHRONE_BENCH: '1' } });
const readyMs = performance.now() - startedAt;
try {
  const report = {
    machine: { cores: cpus().length, node: process.version },
    results: {
      ready: { unit: 'ms', subject: Math.round(readyMs), ...(await ready()) },
      ...(await warm(world.regionUrl('us-east-1'))),
      ...(await starts(world.regionUrl('us-east-1'))),
      replicationLag: await replicationLag(world),
      ...(await manyActions(world, world.regionUrl('us-east-1'), say)),
    },
  };
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
} finally {
  await world.stop();
}

/** The world's start against as many bare node starts as it has processes of ours. */
async function ready(): Promise<{ control: number; ratio: number; against: string }> {
  const control: number[] = [];
  for (let i = 0; i < 9; i += 1) control.push(await bareNodeStartMs());
  const bare = percentile(control, 0.5) * 9;
  return {
    control: Math.round(bare),
    ratio: Number((readyMs / bare).toPrecision(4)),
    against: 'nine bare node starts, one after another (a world of two regions has nine processes of ours)',
  };
}

/**
 * Warm blocking calls against the bare framed chain, and against the same chain with one committed row a call, which is what acceptance costs at
 * the least. The rate limit of the profile caps how many calls a minute can be sent.
 */
async function warm(region: string): Promise<Record<string, Comparison>> {
  say('warm blocking calls');
  await deploy(region, 'bench-nop', nop);
  const postgres = await PostgresServer.start({ fsync: 'on' });
  const chains = { bare: await startChain(), durable: await startChain(postgres.url()) };
  const headers = { authorization: `Basic ${Buffer.from(guestKey).toString('base64')}`, 'content-type': 'application/json' };
  const call = { method: 'POST' as const, path: '/', headers, body: '{"a":1}' };
  const shots = {
    subject: { ...call, base: region, path: `${actionPath('bench-nop')}?blocking=true&result=true` },
    bare: { ...call, base: chains.bare.base },
    durable: { ...call, base: chains.durable.base },
  };
  const one: Record<keyof typeof shots, Round[]> = { subject: [], bare: [], durable: [] };
  const many: typeof one = { subject: [], bare: [], durable: [] };
  try {
    for (const shot of Object.values(shots)) await load(shot, 4, 300);
    for (let i = 0; i < rounds; i += 1) {
      for (const who of ['bare', 'durable', 'subject'] as const) {
        one[who].push(await load(shots[who], 1, 400));
        many[who].push(await load(shots[who], 16, 250));
      }
    }
  } finally {
    for (const chain of Object.values(chains)) chain.stop();
    await postgres.stop();
  }
  const at = (list: readonly Round[], p: number) => list.map(({ latenciesMs }) => percentile(latenciesMs, p));
  const rps = (list: readonly Round[]) => list.map((round) => round.rps);
  const bare = 'HTTP front and action process joined by frames, nothing else';
  const durable = 'the same, and one committed row a call';
  return {
    warmP50: compare('ms', bare, at(one.subject, 0.5), at(one.bare, 0.5)),
    warmP50Durable: compare('ms', durable, at(one.subject, 0.5), at(one.durable, 0.5)),
    warmP99: compare('ms', bare, at(one.subject, 0.99), at(one.bare, 0.99)),
    warmP99Durable: compare('ms', durable, at(one.subject, 0.99), at(one.durable, 0.99)),
    warmRps16: compare('requests/s', bare, rps(many.subject), rps(many.bare)),
    warmRps16Durable: compare('requests/s', durable, rps(many.subject), rps(many.durable)),
  };
}

/** First calls of new actions: of a memory size that stem cells are kept for, and of one that they are not. */
async function starts(region: string): Promise<Record<string, Comparison>> {
  say('cold and stem starts');
  const samples: Record<'stem' | 'cold' | 'bare', number[]> = { stem: [], cold: [], bare: [] };
  for (let i = 0; i < 8; i += 1) {
    samples.bare.push(await bareNodeStartMs());
    samples.stem.push(await firstCall(region, `bench-stem-${i}`, 256));
    samples.cold.push(await firstCall(region, `bench-cold-${i}`, 384));
    await new Promise((resolve) => setTimeout(resolve, 500)); // stems are refilled off the path of a call
  }
  const bare = 'a bare node process, spawn to first output';
  return { coldStart: compare('ms', bare, samples.cold, samples.bare), stemStart: compare('ms', bare, samples.stem, samples.bare) };
}

async function firstCall(region: string, name: string, memory: number): Promise<number> {
  await deploy(region, name, nop, { limits: { memory } });
  const sentAt = performance.now();
  const { status, text } = await invoke(region, name);
  if (status !== 200) throw new Error(`${name}: ${status} ${text}`);
  return performance.now() - sentAt;
}

/** From the answer to a PUT in one region until another region serves that version; beside the PUT itself. */
async function replicationLag(world: World): Promise<Comparison> {
  say('replication lag');
  const [put, lag]: [number[], number[]] = [[], []];
  for (let i = 0; i < 20; i += 1) {
    const sentAt = performance.now();
    await deploy(world.regionUrl('us-east-1'), `bench-lag-${i}`, `${nop} // ${i}`);
    const answeredAt = performance.now();
    put.push(answeredAt - sentAt);
    while ((await ask(world.regionUrl('eu-west-1'), 'GET', `${actionPath(`bench-lag-${i}`)}?code=false`)).status !== 200)
      await new Promise((resolve) => setTimeout(resolve, 5));
    lag.push(performance.now() - answeredAt);
  }
  return compare('ms', 'the PUT that made the action, in its own region', lag, put);
}
