import type { JsonText } from './json.js';
import type { EntityId, Hlc, NamespaceId } from './ids.js';
import type { EntityPath } from './names.js';

/** What a row of the entity table is about. Rows of different spaces may share a path. */
export const spaces = {
  definition: 0,
  namespace: 1,
  key: 2,
  limits: 3,
  namespaceKey: 4,
  ruled: 5,
  apiRoute: 6,
  alarm: 7,
  logForwarding: 8,
  apiDocument: 9,
  subject: 10,
  erasure: 11,
} as const;
export type Space = (typeof spaces)[keyof typeof spaces];

/** What a definition is. Actions, triggers, rules and packages share one name space. */
export const kinds = { other: 0, action: 1, package: 2, trigger: 3, rule: 4 } as const;
export type EntityKind = (typeof kinds)[keyof typeof kinds];

/** One default parameter. `init` ones reach the environment of a sandbox and never `/run`. */
export interface Parameter {
  readonly key: string;
  readonly value: JsonText;
  readonly init?: true;
}

/** One annotation. */
export interface Annotation {
  readonly key: string;
  readonly value: JsonText;
}

/** Limits of an action: time in ms, memory and logs in MB as on the wire (MiB), calls at once inside one sandbox, sandboxes at once. */
export interface ActionLimits {
  readonly timeout: number;
  readonly memory: number;
  readonly logs: number;
  readonly concurrency: number;
  readonly instances?: number;
}

/** What an action executes. The code itself is a blob; `blob` is the SHA-256 (hex) of its ciphertext. */
export type Exec =
  | {
      readonly type: 'code';
      readonly kind: string;
      readonly binary: boolean;
      readonly main?: string;
      readonly blob: string;
      readonly codeBytes: number;
      readonly keyVersion: number;
    }
  | {
      readonly type: 'blackbox';
      readonly kind: 'blackbox';
      readonly image: string;
      readonly binary: boolean;
      readonly main?: string;
      readonly blob?: string;
      readonly codeBytes: number;
      readonly keyVersion: number;
    }
  | { readonly type: 'sequence'; readonly kind: 'sequence'; readonly components: readonly string[] };

interface EntityBase {
  readonly entityId: EntityId;
  /** The version of this state: what sandboxes and caches key by, together with the entity's id. */
  readonly hlc: Hlc;
  readonly ns: NamespaceId;
  readonly path: EntityPath;
  readonly version: string;
  readonly publish: boolean;
  readonly annotations: readonly Annotation[];
  /** Epoch ms, assigned by the server. */
  readonly updated: number;
}

export interface Action extends EntityBase {
  readonly type: 'action';
  readonly exec: Exec;
  readonly parameters: readonly Parameter[];
  readonly limits: ActionLimits;
}

/** A package, or a binding when `binding` names the package it refers to (by namespace name, as on the wire). */
export interface Package extends EntityBase {
  readonly type: 'package';
  readonly parameters: readonly Parameter[];
  readonly binding?: { readonly namespace: string; readonly name: string };
}

export interface Trigger extends EntityBase {
  readonly type: 'trigger';
  readonly parameters: readonly Parameter[];
}

export interface Rule extends EntityBase {
  readonly type: 'rule';
  readonly trigger: { readonly path: string; readonly name: string };
  /** The very trigger it is attached to: one that is deleted and made again has no rules. */
  readonly triggerId?: EntityId;
  readonly action: { readonly path: string; readonly name: string };
  readonly status: 'active' | 'inactive';
}

export type Entity = Action | Package | Trigger | Rule;

/** The annotation's value, or undefined. */
export function annotation(entity: { readonly annotations: readonly Annotation[] }, key: string): JsonText | undefined {
  return entity.annotations.find((a) => a.key === key)?.value;
}

/** Whether an annotation counts as true: anything but false, null, 0 and "" does; `absent` is the answer where there is none. */
export function truthy(entity: { readonly annotations: readonly Annotation[] }, key: string, absent: boolean): boolean {
  const value = annotation(entity, key);
  return value === undefined ? absent : !['false', 'null', '0', '""'].includes(value);
}

/** Later lists win over earlier ones, key by key; the order of first appearance is kept. */
export function mergeParameters(...lists: readonly (readonly Parameter[])[]): Parameter[] {
  return [...new Map(lists.flat().map((p) => [p.key, p])).values()];
}
