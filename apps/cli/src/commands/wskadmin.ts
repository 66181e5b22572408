/** OpenWhisk's `wskadmin` by its own command line and in its own words, so that scripts and suites that call it go on as they are. */
import type { LimitName } from '#libs/domain';
import { limitNames } from '#libs/domain';
import { newAuthKey } from '#libs/auth';
import { Refusal } from '../refusal.js';
import { KeysOfNamespace, LimitsAnswer, Owner, segment, SubjectAnswer, WithKey } from './admin-answers.js';
import { readArguments, type Command, type Surroundings } from './command.js';
import { readLimit } from './limits.js';
import { findLiveWorld, requestAdmin, type AdminAnswer } from './live-world.js';
import { readWskadmin, type WskadminCall } from './wskadmin-arguments.js';

/** What a command of it works with. */
interface Job extends WskadminCall {
  readonly ask: (method: string, path: string, body?: object) => Promise<AdminAnswer>;
  readonly print: (text: string) => void;
}

/** The shim: `user …` and `limits …`. */
export const wskadmin: Command = {
  usage: 'wskadmin user|limits …',
  about: "OpenWhisk's wskadmin: the same arguments and the same output, against this world",
  async run(surroundings) {
    const { call, rest } = readWskadmin(surroundings.args);
    const perform = call && performers[call.command];
    if (!call || !perform) {
      surroundings.print('unknown command');
      return 2;
    }
    const live = findLiveWorld(readArguments({ ...surroundings, args: rest }, wskadmin.usage, []).where);
    try {
      return await perform({ ...call, ask: (...request) => requestAdmin(live, ...request), print: surroundings.print });
    } catch (error) {
      return told(error, surroundings);
    }
  },
};

function told(error: unknown, { say }: Surroundings): number {
  if (!(error instanceof Refusal)) throw error;
  say(error.message);
  return error.exitCode;
}

const performers: Readonly<Record<string, (job: Job) => Promise<number>>> = {
  'user create': createUser,
  'user get': getUser,
  'user list': listUsers,
  'user delete': deleteUser,
  'user whois': whoisUser,
  'user block': (job) => blockUsers(job, 'block'),
  'user unblock': (job) => blockUsers(job, 'unblock'),
  'limits set': setLimits,
  'limits get': getLimits,
  'limits delete': deleteLimits,
};

async function createUser({ words, values, ask, print }: Job): Promise<number> {
  const name = (words[0] ?? '').trim();
  const refused = refusalOf(name, values['auth']?.[0], values['namespace']?.[0]);
  if (refused !== undefined) {
    print(refused);
    return 2;
  }
  if (values['genonly']) {
    print(values['auth']?.[0] ?? newAuthKey());
    return 0;
  }
  const { auth, namespace, revoke, force } = values;
  const body = {
    name,
    namespace: namespace?.[0]?.trim(),
    authKey: auth?.[0],
    force: force !== undefined || (revoke && auth) !== undefined,
    revoke: revoke !== undefined,
  };
  const created = await ask('POST', '/subjects', body);
  if (!created.ok) print(created.status === 409 ? created.error : `Failed to create subject (${created.error})`);
  else if (!values['silent']) print(WithKey.parse(created.answer).authKey);
  return created.ok ? 0 : 1;
}

function refusalOf(name: string, auth: string | undefined, namespace: string | undefined): string | undefined {
  if (name.length < 5) return 'Subject name must be at least 5 characters';
  if (namespace?.trim() === '') return 'Namespace must not be empty';
  if (auth === undefined) return undefined;
  const [uuid = '', key] = auth.split(':');
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(uuid)) return 'authorization id is not a valid UUID';
  if (key === undefined) return `failed to determine authorization id and key: ${uuid}`;
  return key.length < 64 ? 'authorization key must be at least 64 characters long' : undefined;
}

async function getUser({ words, values, ask, print }: Job): Promise<number> {
  const [name = ''] = words;
  const found = await ask('GET', `/subjects/${segment(name)}`);
  if (!found.ok) {
    print(`Failed to get subject (${found.error})`);
    return 1;
  }
  const { keys } = SubjectAnswer.parse(found.answer);
  const wanted = values['namespace']?.[0] ?? name;
  const shown = values['all']
    ? keys.map(({ namespace, authKey }) => `${namespace}\t${authKey}`)
    : keys.filter(({ namespace }) => namespace === wanted).map(({ authKey }) => authKey);
  for (const line of shown) print(line);
  if (shown.length > 0) return 0;
  print(`namespace "${wanted}" not found for "${name}"`);
  return 1;
}

async function listUsers({ words, values, ask, print }: Job): Promise<number> {
  const [namespace = ''] = words;
  const pick = Number(values['pick']?.[0] ?? 1);
  if (!Number.isInteger(pick) || pick < 1) {
    print('pick at least 1 identity to show');
    return 2;
  }
  const found = await ask('GET', `/namespaces/${segment(namespace)}/subjects`);
  if (!found.ok) {
    print(`Failed to get namespace key (${found.error})`);
    return 1;
  }
  const { keys } = KeysOfNamespace.parse(found.answer);
  const shown = values['all'] ? keys : keys.slice(0, pick);
  for (const { authKey, subject } of shown) print(values['key'] ? authKey : `${authKey}\t${subject}`);
  if (shown.length === 0) print(`no identities found for namespace "${namespace}"`);
  return 0;
}

async function deleteUser({ words, values, ask, print }: Job): Promise<number> {
  const [name = ''] = words;
  const namespace = values['namespace']?.[0]?.trim();
  const gone = await ask('DELETE', `/subjects/${segment(name)}${namespace === undefined ? '' : `?namespace=${segment(namespace)}`}`);
  if (gone.ok) print(namespace === undefined ? 'Subject deleted' : 'Namespace deleted');
  else if (namespace !== undefined && gone.status === 404) print(`Namespace "${namespace}" does not exist for "${name}"`);
  else print(`Failed to delete subject (${gone.error})`);
  return gone.ok ? 0 : 1;
}

async function whoisUser({ words, ask, print }: Job): Promise<number> {
  const found = await ask('POST', '/whois', { authKey: words[0] });
  if (!found.ok && found.status !== 404) {
    print(`Failed to get subject (${found.error})`);
    return 1;
  }
  const owner = found.ok ? Owner.parse(found.answer) : undefined;
  for (const line of owner ? [`subject: ${owner.subject}`, `namespace: ${owner.namespace}`] : ['Subject id is not recognized']) print(line);
  return 0;
}

async function blockUsers({ words, ask, print }: Job, verb: 'block' | 'unblock'): Promise<number> {
  let failed = 0;
  for (const name of words.map((word) => word.trim()).filter((word) => word !== '')) {
    const done = await ask('POST', `/subjects/${segment(name)}/${verb}`);
    print(done.ok ? `"${name}" ${verb}ed successfully` : `Failed to ${verb} "${name}" (${done.error})`);
    if (!done.ok) failed += 1;
  }
  return failed;
}

async function setLimits({ words, values, ask, print }: Job): Promise<number> {
  const [namespace = ''] = words;
  const given = limitNames.flatMap((name) => (values[name] ? [[name, readLimit(name, values[name].join(','))] as const] : []));
  const set = await ask('PUT', `/limits/${segment(namespace)}`, Object.fromEntries(given));
  print(set.ok ? `Limits successfully set for "${namespace}"` : `Failed to set limits (${set.error})`);
  return set.ok ? 0 : 1;
}

async function getLimits({ words, ask, print }: Job): Promise<number> {
  const found = await ask('GET', `/limits/${segment(words[0] ?? '')}`);
  if (!found.ok) {
    print(`Failed to get limits (${found.error})`);
    return 1;
  }
  const { limits } = LimitsAnswer.parse(found.answer);
  const shown = limitNames.filter((name: LimitName) => limits[name] !== undefined);
  for (const name of shown) print(`${name} = ${asPython(limits[name])}`);
  if (shown.length === 0) print('No limits found, default system limits apply');
  return 0;
}

async function deleteLimits({ words, ask, print }: Job): Promise<number> {
  const gone = await ask('DELETE', `/limits/${segment(words[0] ?? '')}`);
  print(gone.ok ? 'Limits deleted' : `Failed to delete limits (${gone.error})`);
  return gone.ok ? 0 : 1;
}

/** The tool is a Python program, and its users read what that prints. */
function asPython(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return Array.isArray(value) ? `[${value.map((one) => `'${String(one)}'`).join(', ')}]` : String(value);
}
