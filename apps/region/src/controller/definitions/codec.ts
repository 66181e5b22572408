import {
  asJsonText,
  invariant,
  kinds,
  toJsonText,
  type Action,
  type Entity,
  type EntityId,
  type EntityKind,
  type EntityRow,
  type JsonText,
  type Package,
  type Parameter,
  type Rule,
  type Trigger,
} from '#libs/domain';
import { z } from 'zod';

type Assigned = 'entityId' | 'hlc' | 'ns' | 'path' | 'updated' | 'parameters';

/** What a writer decides about an entity; identity, version clock, time and parameters are added by the store's side. */
export type DraftOf<E extends Entity> = Omit<E, Assigned>;
/** What a writer decides about an entity of any type. */
export type Draft = DraftOf<Action> | DraftOf<Package> | DraftOf<Trigger> | DraftOf<Rule>;

const jsonText = z.string().transform(asJsonText);
const entityId = z.string().transform((id) => id as EntityId);
const Common = z.object({
  version: z.string(),
  publish: z.boolean(),
  annotations: z.array(z.object({ key: z.string(), value: jsonText })),
});
const Code = { binary: z.boolean(), main: z.string().optional(), codeBytes: z.number(), keyVersion: z.number() };
const Exec = z.discriminatedUnion('type', [
  z.object({ type: z.literal('code'), kind: z.string(), blob: z.string(), ...Code }),
  z.object({ type: z.literal('blackbox'), kind: z.literal('blackbox'), image: z.string(), blob: z.string().optional(), ...Code }),
  z.object({ type: z.literal('sequence'), kind: z.literal('sequence'), components: z.array(z.string()) }),
]);
const Limits = z.object({
  timeout: z.number(),
  memory: z.number(),
  logs: z.number(),
  concurrency: z.number(),
  instances: z.number().optional(),
});
const Reference = z.object({ path: z.string(), name: z.string() });

const docs = {
  action: Common.extend({ exec: Exec, limits: Limits }),
  package: Common.extend({ binding: z.object({ namespace: z.string(), name: z.string() }).optional() }),
  trigger: Common,
  rule: Common.extend({ trigger: Reference, triggerId: entityId.optional(), action: Reference, status: z.enum(['active', 'inactive']) }),
} as const;

const types = { [kinds.action]: 'action', [kinds.package]: 'package', [kinds.trigger]: 'trigger', [kinds.rule]: 'rule' } as const;

const Parameters = z.array(z.object({ key: z.string(), value: jsonText, init: z.literal(true).optional() }));

/** The document of a row, as JSON text. Annotation values stand in it as strings of JSON text, so that numbers keep their spelling. */
export function encodeDraft({ type: _type, ...doc }: Draft): JsonText {
  return asJsonText(JSON.stringify(doc));
}

/** The kind of a row that holds a draft. */
export function kindOf({ type }: { readonly type: Entity['type'] }): EntityKind {
  return kinds[type];
}

/** Address of the blob that a draft needs, or null. */
export function blobOf(draft: Draft): string | null {
  if (draft.type !== 'action' || draft.exec.type === 'sequence') return null;
  return draft.exec.blob === undefined || draft.exec.blob === '' ? null : draft.exec.blob;
}

/** The entity of a visible row, with its parameters if they are known. Throws on a row that this version cannot read. */
export function decodeRow(row: EntityRow, parameters: readonly Parameter[] = []): Entity {
  const type = row.kind === kinds.other ? undefined : types[row.kind];
  invariant(type !== undefined && row.doc !== null, 'a definition row has a kind and a document');
  const doc = docs[type].parse(JSON.parse(row.doc));
  const { entityId, hlc, ns, path, updated } = row;
  return { type, entityId, hlc, ns, path, updated, ...(type === 'rule' ? {} : { parameters }), ...doc } as Entity;
}

/** Parameters as the bytes that are sealed. */
export function encodeParameters(parameters: readonly Parameter[]): Uint8Array {
  return Buffer.from(JSON.stringify(parameters));
}

/** Undoes `encodeParameters`. */
export function decodeParameters(bytes: Uint8Array): Parameter[] {
  return Parameters.parse(JSON.parse(Buffer.from(bytes).toString('utf8'))) as Parameter[];
}

/** The JSON text of parameters as clients read them. */
export function parametersJson(parameters: readonly Parameter[]): JsonText {
  const entry = ({ key, value, init }: Parameter): string => `{"key":${toJsonText(key)},"value":${value}${init ? ',"init":true' : ''}}`;
  return asJsonText(`[${parameters.map(entry).join(',')}]`);
}
