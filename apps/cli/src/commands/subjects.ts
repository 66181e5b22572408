import { z } from 'zod';
import { Refusal } from '../refusal.js';
import { readArguments, type Command, type Surroundings } from './command.js';
import { askAdmin, findLiveWorld } from './live-world.js';

const Created = z.object({ authKey: z.string() });
const Listed = z.object({
  subjects: z.array(z.object({ name: z.string(), subject: z.string(), namespaceId: z.string(), blocked: z.boolean().default(false) })),
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
  const { authKey } = Created.parse(await askAdmin(findLiveWorld(where), 'POST', '/subjects', { name }));
  surroundings.print(authKey);
}

async function list(surroundings: Surroundings): Promise<void> {
  const { where } = readArguments(surroundings, 'subjects list', []);
  const { subjects } = Listed.parse(await askAdmin(findLiveWorld(where), 'GET', '/subjects'));
  for (const { subject, name, namespaceId, blocked } of subjects) {
    surroundings.print(`${subject}  namespace ${name}  ${namespaceId}${blocked ? '  blocked' : ''}`);
  }
}

async function remove(surroundings: Surroundings): Promise<void> {
  const { where, words } = readArguments(surroundings, 'subjects delete NAME', ['NAME']);
  const [name = ''] = words;
  await askAdmin(findLiveWorld(where), 'DELETE', `/subjects/${encodeURIComponent(name)}`);
  surroundings.print(`${name} is deleted, with its keys`);
}
