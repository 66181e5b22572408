/** What the tests of `aio` share: a world, a user's folder, the plugin, and the ledger of how its commands fare. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Aio, pluginVersion } from '../../support/aio.js';
import { Ledger } from '../../support/compatibility.js';
import { startWorld, until, type World } from '../../support/world.js';

/** How the commands fare. */
export const ledger = new Ledger('aio', pluginVersion, 'Each command as `aio` runs it, against the router of two regions.');

/** Code of an action that says hello. */
export const hello =
  "function main(args) { console.log('Hello World'); return { hello: args.name || 'world', colour: process.env.COLOUR }; }";
const web = 'function main(args) { return { body: { path: args.__ow_path, raw: args.__ow_body !== undefined } }; }';

/** The world; there once tests run. */
export let world: World;
let home: string;
let plugin: Aio;
/** The commands that ran well in the test that runs. */
let ran = new Set<string>();

before(async () => {
  home = mkdtempSync(join(tmpdir(), 'isochrone-aio-'));
  write('hello.js', hello);
  write('web.js', web);
  world = await startWorld({ regions: ['us-east-1', 'eu-west-1'], watched: true });
  plugin = Aio.start(world.url, home);
});
after(async () => {
  ledger.save();
  await plugin?.stop();
  await world?.stop();
  if (home) rmSync(home, { recursive: true, force: true });
});

/** Writes a file where the user of `aio` stands, and gives its name. */
export function write(name: string, content: string | Buffer | object): string {
  writeFileSync(join(home, name), typeof content === 'string' || Buffer.isBuffer(content) ? content : JSON.stringify(content));
  return name;
}

/** What such a file holds. */
export const read = (name: string): string => readFileSync(join(home, name), 'utf8');

/** Every command of the plugin: `runtime action create`. */
export const commands = (): Promise<string[]> => plugin.commands();

/** Runs a command, such as `action create`, and gives what it printed; throws when it fails. */
export async function aio(command: string, ...args: string[]): Promise<string> {
  const name = `runtime ${command}`.trim();
  const out = await plugin.run(...name.split(' '), ...args);
  ran.add(name);
  return out;
}

/** What a command prints as JSON, after words in some. */
export async function json<T = unknown>(command: string, ...args: string[]): Promise<T> {
  const out = await aio(command, ...args);
  return JSON.parse(out.slice(out.search(/[[{]/))) as T;
}

/** A test; the commands that ran in it work when nothing in it threw. */
export function proves(what: string, body: () => Promise<void>): void {
  test(what, async () => {
    ran = new Set();
    await body();
    for (const command of ran) ledger.works(command);
  });
}

/** Runs a command that may be refused, which is noted with the reason; says whether it ran. */
export async function mayBeRefused(command: string, ...args: string[]): Promise<boolean> {
  try {
    await aio(command, ...args);
    return true;
  } catch (error) {
    const [line = ''] = (error as Error).message.split(/\n|\. Error: /);
    ledger.notOffered(`runtime ${command}`, `It ends with: ${line.slice(line.lastIndexOf(': ') + 2)}.`);
    return false;
  }
}

/** Anything with a name. */
export interface Named {
  readonly name: string;
}

/** A parameter or an annotation. */
export interface Pair {
  readonly key: string;
  readonly value: unknown;
  readonly init?: boolean;
}

/** What is shown of an action, package or trigger. */
export interface Entity extends Named {
  readonly publish: boolean;
  readonly parameters: readonly Pair[];
  readonly annotations: readonly Pair[];
}

/** What is shown of an activation. */
export interface Activation extends Named {
  readonly activationId: string;
  readonly response: { readonly status: string; readonly success: boolean; readonly result: unknown };
}

/** Their names. */
export const names = (all: readonly Named[]): string[] => all.map(({ name }) => name);

/** The value of a parameter or annotation. */
export const valueOf = (all: readonly Pair[], key: string): unknown => all.find((each) => each.key === key)?.value;

/** Waits until the record of an activation is there, and gives it. */
export async function record(id: string): Promise<Activation> {
  const found = (): Promise<boolean> =>
    aio('activation get', id).then(
      () => true,
      () => false,
    );
  await until('the record is there', found);
  return json<Activation>('activation get', id);
}
