import type { Content, Schema } from './types.js';

/** A reference to a schema of the document. */
export function ref(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

/** A closed object: the properties named without a question mark are always there, and no others ever. */
export function closed(properties: Readonly<Record<string, Schema>>, description?: string): Schema {
  return { ...open(properties, description), additionalProperties: false };
}

/** An object that may have other properties than these; they count for nothing. `a?` is one that may be missing. */
export function open(properties: Readonly<Record<string, Schema>>, description?: string): Schema {
  const entries = Object.entries(properties);
  const required = entries.map(([name]) => name).filter((name) => !name.endsWith('?'));
  return {
    ...(description === undefined ? {} : { description }),
    type: 'object',
    properties: Object.fromEntries(entries.map(([name, schema]) => [name.replace(/\?$/, ''), schema])),
    ...(required.length > 0 ? { required } : {}),
  };
}

/** A list of what fits a schema. */
export function listOf(items: Schema): Schema {
  return { type: 'array', items };
}

/** A body of JSON. */
export function json(schema: Schema): Content {
  return { 'application/json': { schema } };
}

/** A body of plain text. */
export function text(schema: Schema = { type: 'string' }): Content {
  return { 'text/plain': { schema } };
}

/** A text. */
export const string: Schema = { type: 'string' };
/** A truth value. */
export const boolean: Schema = { type: 'boolean' };
/** A count, a size or a duration. */
export const count: Schema = { type: 'integer', minimum: 0 };
/** A moment, epoch ms. */
export const moment: Schema = { type: 'integer', minimum: 0, description: 'milliseconds since 1970' };
/** An activation's id. */
export const activationId: Schema = { type: 'string', pattern: '^[0-9a-f]{32}$' };
/** A version as it is stored. */
export const version: Schema = { type: 'string', pattern: '^\\d+\\.\\d+\\.\\d+$' };
/** The name of an entity, a package or a namespace; its characters are ASCII. */
export const name: Schema = {
  type: 'string',
  minLength: 1,
  maxLength: 256,
  pattern: '^(?:[A-Za-z0-9_]|[A-Za-z0-9_][A-Za-z0-9_@ .&-]{0,254}[A-Za-z0-9_@.&-])$',
};
/** `NS` or `NS/PKG`. */
export const place: Schema = { type: 'string', minLength: 1 };

/** What every stored entity has. */
export const entity = {
  namespace: place,
  name,
  version,
  publish: boolean,
  annotations: listOf(ref('Annotation')),
  updated: moment,
} as const;

/** What every write may say of its entity. */
export const entityPut = {
  'version?': {
    type: 'string',
    pattern: '^\\d{1,9}(?:\\.\\d{1,9}){0,2}$',
    description: 'by default one more than the last in the third place',
  },
  'publish?': boolean,
  'annotations?': listOf(ref('Annotation')),
} as const satisfies Readonly<Record<string, Schema>>;

/** Schemas that several resources share. */
export const sharedSchemas: Readonly<Record<string, Schema>> = {
  Error: closed({ error: string, code: { type: 'string', description: 'the transaction id' } }, 'Why a request failed.'),
  Annotation: closed({ key: string, value: {} }, 'A note on an entity; its value is any JSON.'),
  Parameter: closed(
    { key: string, value: {}, 'init?': { const: true, description: 'goes to the environment of a sandbox and never to the action' } },
    'A parameter; its value is any JSON.',
  ),
  ParameterPut: open({ key: string, value: {}, 'init?': boolean }, 'A parameter; its value is any JSON.'),
  Reference: closed({ path: place, name }, 'An entity: `path` is `NS` or `NS/PKG`.'),
};
