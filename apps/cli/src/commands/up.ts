import { appendFileSync } from 'node:fs';
import { domainName } from '#libs/config';
import { limitProfiles } from '#libs/domain';
import { availableKinds, npmEnvironment } from '#libs/sandbox';
import { Logger } from '#libs/telemetry';
import { z } from 'zod';
import { Refusal, explain } from '../refusal.js';
import { serveControl } from '../supervision/control.js';
import { endLeftovers } from '../supervision/leftovers.js';
import { probe } from '../supervision/probes.js';
import { assembleWorld } from '../world/assemble.js';
import type { DataFolder } from '../world/folder.js';
import { checkRegions, standardRegions } from '../world/geography.js';
import { guestKey } from '../world/guest.js';
import { LocalWorld } from '../world/local-world.js';
import { takeLock } from '../world/lock.js';
import { noteBegun, prepareWorld, type PreparedWorld, type WorldWish } from '../world/prepare.js';
import { readArguments, type Command, type Surroundings, type Where } from './command.js';
import { pasteLines } from './paste.js';

const standard = { regions: standardRegions, port: 3233 };
const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
/** Variables that processes may see of ours; a secret in the shell of whoever starts a world is not their business. */
const passedOn = /^(PATH|HOME|USER|LANG|LC_\w+|TZ|TMPDIR|JAVA_HOME|ISOCHRONE_\w+)$/;

interface Wish extends WorldWish {
  readonly fresh: boolean;
  readonly limits: string;
  readonly brokers: readonly string[];
}

/** Starts a whole world on this machine and runs it until a signal. */
export const up: Command = {
  usage: 'up [--regions a,b,c] [--port N] [--data DIR] [--domain NAME] [--fresh]',
  about: 'start a world on this machine: a router and its regions (also: LIMITS=profile, QUEUE=kafka, KAFKA_BROKERS=host:port,…)',
  async run(surroundings) {
    const { where, values } = readArguments(surroundings, up.usage, [], {
      regions: { type: 'string' },
      domain: { type: 'string' },
      fresh: { type: 'boolean' },
    });
    const wish = readWish(surroundings, where, values);
    try {
      await runWorld(surroundings, where.folder, wish);
    } catch (error) {
      throw explain(error, where.folder.path);
    }
  },
};

function readWish({ env }: Surroundings, { port }: Where, values: Readonly<Record<string, string | boolean | undefined>>): Wish {
  const limits = env['LIMITS'] || 'seed';
  if (!Object.hasOwn(limitProfiles, limits)) {
    throw new Refusal(`LIMITS=${limits} is no limit profile: there are ${Object.keys(limitProfiles).join(', ')}`, 2);
  }
  const queue = env['QUEUE'] || 'postgres';
  if (queue !== 'postgres' && queue !== 'kafka') throw new Refusal(`QUEUE=${queue} is no queue: there are postgres and kafka`, 2);
  const regions = typeof values['regions'] === 'string' ? checkRegions(listOf(values['regions'])) : undefined;
  const domain = typeof values['domain'] === 'string' ? checkDomain(values['domain']) : undefined;
  return {
    regions,
    port,
    domain,
    kafka: queue === 'kafka',
    fresh: values['fresh'] === true,
    limits,
    brokers: listOf(env['KAFKA_BROKERS'] ?? ''),
  };
}

/** An empty text stands for none. */
function checkDomain(text: string): string {
  const read = domainName.or(z.literal('')).safeParse(text);
  if (!read.success) throw new Refusal(`--domain ${text} is no domain: it is named like example.net`, 2);
  return read.data;
}

/** Runs a world from nothing to nothing: whatever happens in between, no process is left. */
async function runWorld({ env, print, root }: Surroundings, folder: DataFolder, wish: Wish): Promise<void> {
  folder.open();
  const unlock = takeLock(folder.lock, folder.path);
  const end = whenAsked();
  try {
    const left = await endLeftovers(folder.running);
    if (left.length > 0) print(`ended what an earlier start left running: ${left.join(', ')}`);
    if (wish.fresh) {
      folder.erase();
      folder.open();
    }
    const prepared = await prepareWorld(folder, wish, standard);
    print(`starting ${prepared.settings.regions.join(', ')} in ${folder.path}`);
    const world = makeWorld(folder, prepared, wish, env);
    const endControl = await serveControl(folder.control, world);
    try {
      const started = world.startAll(print);
      started.catch(() => undefined); // Asked to end meanwhile, nobody waits for it any more.
      await Promise.race([started, end.asked]);
      if (!end.isAsked()) noteBegun(folder, prepared.settings);
      if (!end.isAsked()) await greet(print, prepared, options(folder, root, prepared.settings.port));
      await end.asked;
      print('stopping');
    } finally {
      await world.stopAll();
      await endControl();
      folder.closeSockets();
    }
  } finally {
    end.forget();
    unlock();
  }
}

function makeWorld(folder: DataFolder, { settings, world }: PreparedWorld, wish: Wish, env: Surroundings['env']): LocalWorld {
  const base = Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value !== undefined && passedOn.test(name) ? [[name, value]] : [])),
  );
  const kafka = wish.kafka ? (wish.brokers.length > 0 ? wish.brokers : 'own') : 'none';
  const kinds = env['ISOCHRONE_KINDS'] === undefined ? availableKinds(base['PATH'] ?? '') : listOf(env['ISOCHRONE_KINDS']);
  const logger = supervisorLog(folder);
  const changed = (): void => running.note();
  const { units, logs } = assembleWorld({
    folder,
    settings,
    world,
    limits: wish.limits,
    kafka,
    base,
    kinds,
    npm: npmEnvironment(env),
    logger,
    changed,
  });
  const running = new LocalWorld(folder, world, units, logger, logs);
  return running;
}

/** What is printed when a world is ready. */
async function greet(print: (text: string) => void, { world, settings }: PreparedWorld, where: readonly string[]): Promise<void> {
  const warnings = await Promise.all(world.regions.map(async ({ url }) => warningsOf((await probe(`${url}/health/ready`))?.body)));
  for (const warning of new Set(warnings.flat())) print(`warning: ${warning}`);
  const lines = pasteLines(world.url, where);
  const width = Math.max(...world.regions.map(({ id }) => id.length));
  print(`
ready: ${world.url}
${world.regions.map(({ id, url, place }) => `  ${id.padEnd(width)}  ${url}  (${place.name})`).join('\n')}

key of namespace guest: ${guestKey}
bearer token for every namespace, where the profile of limits takes tokens: ${settings.devToken}
${settings.domain === undefined ? '' : `web actions of a namespace: http://NAMESPACE.${settings.domain}:${settings.port}/api/v1/web/PACKAGE/ACTION\n`}
create an action, call it, and see the regions at work:

${lines.create}

${lines.invoke}

${lines.try}

Ctrl-C ends the world; the next start finds everything again.`);
}

function warningsOf(body: unknown): string[] {
  const warnings = body !== null && typeof body === 'object' && 'warnings' in body ? body.warnings : [];
  return Array.isArray(warnings) ? warnings.filter((warning): warning is string => typeof warning === 'string') : [];
}

/** The options by which other commands find this world; none for the standard one. */
function options(folder: DataFolder, root: string, port: number): string[] {
  return [...(port === standard.port ? [] : ['--port', String(port)]), ...(folder.path === `${root}/data` ? [] : ['--data', folder.path])];
}

/** Resolves at the first signal. Later ones change nothing: ending is bounded, and npm sends each of them twice. */
function whenAsked(): { asked: Promise<void>; isAsked: () => boolean; forget: () => void } {
  let done = false;
  let end: () => void = () => undefined;
  const asked = new Promise<void>((resolve) => {
    end = () => {
      done = true;
      resolve();
    };
  });
  for (const name of signals) process.on(name, end);
  return {
    asked,
    isAsked: () => done,
    forget: () => {
      for (const name of signals) process.off(name, end);
    },
  };
}

function supervisorLog(folder: DataFolder): Logger {
  const path = folder.log('supervisor');
  return new Logger({ process: 'supervisor' }, 'log', (line) => {
    try {
      appendFileSync(path, line, { mode: 0o600 });
    } catch {
      // A full disk silences the log, never the world.
    }
  });
}

function listOf(text: string): string[] {
  return text
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
}
