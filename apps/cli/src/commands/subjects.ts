import { z } from 'zod';
import { Refusal } from '../refusal.js';
import { readArguments, type Command, type Surroundings } from './command.js';
import { askAdmin, findLiveWorld } from './live-world.js';

const Created = z.object({ uuid: z.string(), key: z.string() });
const Listed = z.object({
  subjects: z.array(z.object({ subject: z.string(), namespaces: z.array(z.object({ name: z.string(), uuid: z.string() })) })),
});

/** Makes, lists and deletes subjects: who may use the world, each with a namespace of its own name. */
export const subjects: Command = {
  usage: 'subjects create NAME | list | delete NAME',
  about: 'administer who may use the world; `create` prints the key as uuid:key and nothing else',
  async run(surroundings) {
    const [verb = '', ...args] = surroundings.args;
    const inner = { ...surroundings, args };
    if (verb === 'create') return create(inner);
    if (verb === 'list') return list(inner);
    if (verb === 'delete') return remove(inner);
    throw new Refusal(`'subjects ${verb}' is no command: isochrone ${subjects.usage}`, 2);
  },
};

async function create(surroundings: Surroundings): Promise<void> {
  const { where, words } = readArguments(surroundings, 'subjects create NAME', ['NAME']);
  const [name = ''] = words;
  const { uuid, key } = Created.parse(await askAdmin(findLiveWorld(where), 'POST', '/subjects', { name }));
  surroundings.print(`${uuid}:${key}`);
}

async function list(surroundings: Surroundings): Promise<void> {
  const { where } = readArguments(surroundings, 'subjects list', []);
  const { subjects } = Listed.parse(await askAdmin(findLiveWorld(where), 'GET', '/subjects'));
  for (const { subject, namespaces } of subjects)
    for (const { name, uuid } of namespaces) surroundings.print(`${subject}  ${name}  ${uuid}`);
}

async function remove(surroundings: Surroundings): Promise<void> {
  const { where, words } = readArguments(surroundings, 'subjects delete NAME', ['NAME']);
  const [name = ''] = words;
  await askAdmin(findLiveWorld(where), 'DELETE', `/subjects/${encodeURIComponent(name)}`);
  surroundings.print(`${name} is deleted, with its keys`);
}
