import { readWorld } from '#libs/config';
import type { World } from '#libs/domain';
import { Refusal } from '../refusal.js';
import { notRunning } from '../supervision/control.js';
import { holderOf } from '../world/lock.js';
import { readSettings } from '../world/settings.js';
import type { Where } from './command.js';

/** A world that runs, as a command finds it through its data folder. */
export interface LiveWorld {
  readonly url: string;
  readonly adminToken: string;
  readonly world: World;
}

/** Finds the running world of a folder; throws one line when none runs there, or when it listens on another port than asked for. */
export function findLiveWorld({ folder, port }: Where): LiveWorld {
  const settings = holderOf(folder.lock) === undefined ? undefined : readSettings(folder);
  if (!settings) throw notRunning(folder.path);
  if (port !== undefined && port !== settings.port) {
    throw new Refusal(
      `the world in ${folder.path} listens on port ${settings.port}, not on ${port}: name the folder of the other with --data`,
    );
  }
  const world = readWorld(folder.world);
  return { url: world.url, adminToken: settings.adminToken, world };
}

const answerMs = 15_000;

/** What the administrative API answered: its JSON, or the server's own words for why not. */
export type AdminAnswer =
  { readonly ok: true; readonly answer: unknown } | { readonly ok: false; readonly status: number; readonly error: string };

/** Sends a request to the administrative API and returns its JSON. Throws one line with the server's own words when it refuses. */
export async function askAdmin(live: LiveWorld, method: string, path: string, body?: object): Promise<unknown> {
  const told = await requestAdmin(live, method, path, body);
  if (told.ok) return told.answer;
  throw new Refusal(`${told.error} (${method} ${path})`);
}

/** Sends a request to the administrative API. Throws one line where nobody answers. */
export async function requestAdmin({ url, adminToken }: LiveWorld, method: string, path: string, body?: object): Promise<AdminAnswer> {
  let status: number;
  let text: string;
  try {
    const response = await fetch(`${url}/isochrone/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${adminToken}`, ...(body && { 'content-type': 'application/json' }) },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(answerMs),
    });
    status = response.status;
    text = await response.text();
  } catch (cause) {
    throw new Refusal(`the router at ${url} does not answer: \`isochrone status\` tells more`, 1, { cause });
  }
  const answer = parse(text);
  if (status >= 200 && status < 300) return { ok: true, answer };
  return { ok: false, status, error: errorOf(answer) ?? `the router answered ${status}` };
}

function errorOf(answer: unknown): string | undefined {
  return answer !== null && typeof answer === 'object' && 'error' in answer && typeof answer.error === 'string' ? answer.error : undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
