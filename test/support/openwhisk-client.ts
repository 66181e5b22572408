/** The unmodified `openwhisk` client from npm, which notes what of it was used. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { projectRoot } from './project.js';

/** A method of a resource: what it gives is up to the caller to know. */
export type Method = <T = Record<string, unknown>>(options?: unknown, more?: unknown) => Promise<T>;

type Resource<Verbs extends string> = Readonly<Record<Verbs, Method>>;
type Crud = 'create' | 'update' | 'get' | 'list' | 'delete';

/** The client. */
export interface OpenWhisk {
  readonly actions: Resource<Crud | 'invoke'>;
  readonly activations: Resource<'get' | 'list' | 'logs' | 'result'>;
  readonly namespaces: Resource<'get' | 'list'>;
  readonly packages: Resource<Crud | 'invoke'>;
  readonly rules: Resource<Crud | 'enable' | 'disable' | 'invoke'>;
  readonly triggers: Resource<Crud | 'invoke'>;
  readonly feeds: Resource<'create' | 'update' | 'get' | 'delete' | 'feed'>;
  readonly routes: Resource<'create' | 'get' | 'list' | 'delete'>;
}

const required = createRequire(join(projectRoot, 'test/conformance/clients/package.json'));
const connect = required('openwhisk') as (options: object) => OpenWhisk;
const types = join(dirname(required.resolve('openwhisk/package.json')), 'lib/main.d.ts');

/** The client's version. */
export const clientVersion = (required('openwhisk/package.json') as { version: string }).version;

/** A client; `used` hears of each call that went well, as `actions.get`. */
export function openwhisk(options: { apihost: string; api_key: string }, used: (method: string) => void): OpenWhisk {
  const noting = ([name, resource]: [string, object]): [string, object] => [
    name,
    new Proxy(resource, {
      get(target, verb) {
        const method: unknown = Reflect.get(target, verb);
        if (typeof method !== 'function') return method;
        return async (...args: unknown[]): Promise<unknown> => {
          const result: unknown = await method.apply(target, args);
          used(`${name}.${String(verb)}`);
          return result;
        };
      },
    }),
  ];
  return Object.fromEntries(Object.entries(connect(options)).map(noting)) as unknown as OpenWhisk;
}

/** Every method that the client offers: of each of its resources, what has a name that its types declare of any resource. */
export function offered(): string[] {
  const text = readFileSync(types, 'utf8');
  const declared = text.slice(text.indexOf('// Resources'), text.indexOf('// Descriptions'));
  const verbs = new Set([...declared.matchAll(/^ {8}(\w+)[(<]/gm)].map(([, verb]) => verb));
  const resources = Object.entries(connect({ apihost: 'http://127.0.0.1', api_key: 'nobody:nothing' }));
  return resources.flatMap(([name, resource]) => [...verbs].filter((verb) => verb && verb in resource).map((verb) => `${name}.${verb}`));
}
