/** Measures a world beside bare controls in the same run and prints JSON. How to read it: bench/README.md. */
import { cpus } from 'node:os';
import { actionPath, ask, deploy, invoke } from '../test/support/client.js';
import { guestKey, startWorld, type World } from '../test/support/world.js';
import { bareNodeStartMs, startChain } from './control/start.js';
import { load, type Round } from './load.js';
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

/** Warm blocking calls against the bare framed chain. The rate limit of the profile caps how many calls a minute can be sent. */
async function warm(region: string): Promise<Record<string, Comparison>> {
  say('warm blocking calls');
  await deploy(region, 'bench-nop', nop);
  const chain = await startChain();
  const headers = { authorization: `Basic ${Buffer.from(guestKey).toString('base64')}`, 'content-type': 'application/json' };
  const subject = { base: region, path: `${actionPath('bench-nop')}?blocking=true&result=true`, headers, body: '{"a":1}' };
  const control = { base: chain.base, path: '/', headers, body: '{"a":1}' };
  const measured: Record<'one' | 'many', { subject: Round[]; control: Round[] }> = {
    one: { subject: [], control: [] },
    many: { subject: [], control: [] },
  };
  try {
    await load(subject, 4, 500);
    for (let i = 0; i < rounds; i += 1) {
      measured.one.control.push(await load(control, 1, 400));
      measured.one.subject.push(await load(subject, 1, 400));
      measured.many.control.push(await load(control, 16, 300));
      measured.many.subject.push(await load(subject, 16, 300));
    }
  } finally {
    chain.stop();
  }
  const at = (list: readonly Round[], p: number) => list.map(({ latenciesMs }) => percentile(latenciesMs, p));
  const bare = 'HTTP front and action process joined by frames, nothing else';
  return {
    warmP50: compare('ms', bare, at(measured.one.subject, 0.5), at(measured.one.control, 0.5)),
    warmP99: compare('ms', bare, at(measured.one.subject, 0.99), at(measured.one.control, 0.99)),
    warmRps16: compare(
      'requests/s',
      bare,
      measured.many.subject.map(({ rps }) => rps),
      measured.many.control.map(({ rps }) => rps),
    ),
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
