import { isNodeKind } from '#libs/domain';
import { bringKind, findKinds } from '#libs/sandbox';
import { Refusal } from '../refusal.js';
import { readArguments, type Command, type Surroundings, type Where } from './command.js';

/** Says which kinds of runtimes this machine has, and brings those of Node.js ahead of their first use: what a machine without a registry needs. */
export const kinds: Command = {
  usage: 'kinds [--fetch nodejs:22,nodejs:24] [--data DIR]',
  about: 'show the kinds of runtimes that are here; fetch others from the npm registry before their first use',
  async run(surroundings) {
    const { where, values } = readArguments(surroundings, kinds.usage, [], { fetch: { type: 'string' } });
    const wanted = typeof values['fetch'] === 'string' ? values['fetch'].split(',').map((kind) => kind.trim()) : [];
    for (const kind of wanted) if (!isNodeKind(kind)) throw new Refusal(`'${kind}' is no kind that can be fetched: ${kinds.usage}`, 2);
    for (const kind of wanted) await fetchKind(surroundings, where, kind);
    for (const { kind, here, detail, remedy } of findKinds(where.folder.runtimes, surroundings.env['PATH'] ?? '')) {
      const more = here || remedy === undefined ? '' : ` (${remedy})`;
      surroundings.print(`${here ? 'here  ' : 'absent'}  ${kind.padEnd(12)}  ${detail}${more}`);
    }
  },
};

async function fetchKind({ env, say }: Surroundings, { folder }: Where, kind: string): Promise<void> {
  folder.open();
  try {
    await bringKind(kind, folder.runtimes, env);
  } catch (cause) {
    throw new Refusal(cause instanceof Error ? cause.message : String(cause), 1, { cause });
  }
  say(`${kind} is here`);
}
