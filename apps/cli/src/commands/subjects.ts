import { z } from 'zod';
import { Refusal } from '../refusal.js';
import { KeysOfNamespace, Listed, Owner, segment, SubjectAnswer, WithKey } from './admin-answers.js';
import { printing, type Job } from './admin-job.js';
import { readArguments, type Command } from './command.js';
import { eraseSubject } from './erase.js';
import { askAdmin, findLiveWorld } from './live-world.js';

/** The verbs and how each is called. */
const verbs = {
  create: 'NAME [--namespace NS] [--auth UUID:KEY] [--force | --revoke]',
  get: 'NAME [--namespace NS | --all]',
  list: '[--namespace NS]',
  delete: 'NAME [--namespace NS]',
  block: 'NAME',
  unblock: 'NAME',
  whois: 'UUID:KEY',
  rotate: 'NAME [--namespace NS] [--overlap MINUTES]',
  erase: 'NAME|NAMESPACE-ID --yes',
} as const;
type Verb = keyof typeof verbs;

const options = {
  namespace: { type: 'string' },
  auth: { type: 'string' },
  force: { type: 'boolean' },
  revoke: { type: 'boolean' },
  all: { type: 'boolean' },
  overlap: { type: 'string' },
  yes: { type: 'boolean' },
  json: { type: 'boolean' },
} as const;

/** Makes, shows, blocks, deletes and erases subjects: who may use the world, each with namespaces and keys. */
export const subjects: Command = {
  usage: 'subjects create NAME | get NAME | list | delete NAME | block NAME | unblock NAME | whois KEY | rotate NAME | erase NAME',
  about: 'administer who may use the world; keys are printed as uuid:key and nothing else, everything as JSON with --json',
  async run(surroundings) {
    const [verb = '', ...args] = surroundings.args;
    if (!isVerb(verb)) throw new Refusal(`'subjects ${verb}' is no command: isochrone ${subjects.usage}`, 2);
    const usage = `subjects ${verb} ${verbs[verb]} [--json]`;
    const words = /^[A-Z]/.test(verbs[verb]) ? [verbs[verb].split(' ')[0] ?? ''] : [];
    const { where, words: given, values } = readArguments({ ...surroundings, args }, usage, words, options);
    return perform[verb]({ live: findLiveWorld(where), name: given[0] ?? '', values, ...printing(surroundings, values) });
  },
};

const perform: Readonly<Record<Verb, (job: Job) => Promise<number | void>>> = {
  async create({ live, name, values, tell }) {
    const { auth: authKey, namespace, force, revoke } = values;
    const answer = WithKey.loose().parse(await askAdmin(live, 'POST', '/subjects', { name, namespace, authKey, force, revoke }));
    tell(answer, [answer.authKey]);
  },

  async get({ live, name, values, tell }) {
    const answer = SubjectAnswer.parse(await askAdmin(live, 'GET', `/subjects/${segment(name)}`));
    if (values['all'])
      return tell(
        answer,
        answer.keys.map(({ namespace, authKey }) => `${namespace}\t${authKey}`),
      );
    const key = answer.keys.find(({ namespace }) => namespace === (values['namespace'] ?? name));
    if (!key) throw new Refusal(`${name} has no key for namespace ${String(values['namespace'] ?? name)}: \`--all\` shows what it has`);
    tell(answer, [key.authKey]);
  },

  async list({ live, values, tell }) {
    if (typeof values['namespace'] === 'string') {
      const answer = KeysOfNamespace.parse(await askAdmin(live, 'GET', `/namespaces/${segment(values['namespace'])}/subjects`));
      return tell(
        answer,
        answer.keys.map(({ authKey, subject }) => `${authKey}\t${subject}`),
      );
    }
    const answer = Listed.parse(await askAdmin(live, 'GET', '/subjects'));
    tell(
      answer,
      answer.subjects.map(
        ({ subject, name, namespaceId, blocked }) => `${subject}  namespace ${name}  ${namespaceId}${blocked ? '  blocked' : ''}`,
      ),
    );
  },

  async delete({ live, name, values, tell }) {
    const { namespace } = values;
    const query = typeof namespace === 'string' ? `?namespace=${segment(namespace)}` : '';
    const answer = z.looseObject({}).parse(await askAdmin(live, 'DELETE', `/subjects/${segment(name)}${query}`));
    tell(answer, [typeof namespace === 'string' ? `${name} has no key for ${namespace} any more` : `${name} is deleted, with its keys`]);
  },

  block: (job) => block(job, 'block', 'is blocked'),
  unblock: (job) => block(job, 'unblock', 'is no longer blocked'),

  async whois({ live, name, tell }) {
    const answer = Owner.parse(await askAdmin(live, 'POST', '/whois', { authKey: name }));
    tell(answer, [`subject ${answer.subject}`, `namespace ${answer.namespace}`]);
  },

  async rotate({ live, name, values, tell }) {
    const overlapMinutes = Number(values['overlap'] ?? 0);
    const path = `/subjects/${segment(name)}/rotate`;
    const answer = WithKey.loose().parse(await askAdmin(live, 'POST', path, { namespace: values['namespace'], overlapMinutes }));
    tell(answer, [answer.authKey]);
  },

  erase: (job) => eraseSubject(job),
};

async function block({ live, name, tell }: Job, verb: string, told: string): Promise<void> {
  const answer = z.looseObject({}).parse(await askAdmin(live, 'POST', `/subjects/${segment(name)}/${verb}`));
  tell(answer, [`${name} ${told}`]);
}

function isVerb(text: string): text is Verb {
  return Object.hasOwn(verbs, text);
}
