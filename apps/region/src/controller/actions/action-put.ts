import {
  Failure,
  toJsonText,
  truthy,
  type ActionLimits,
  type Annotation,
  type Exec,
  type LimitProfile,
  type Parameter,
} from '#libs/domain';
import { exactText, isObject, malformedContent, numberOf, type ExactJson, type ExactObject } from '#libs/http';
import { readVersioned, type CommonPut } from '../definitions/entity-put.js';

/** The limits that a PUT gives. */
export type LimitsPut = Partial<ActionLimits>;

/** What a PUT of an action says beside its `exec`. */
export interface ActionPut extends CommonPut {
  readonly limits: LimitsPut;
  readonly delAnnotations: readonly string[];
}

const limitNames = [
  ['timeout', 'time limit'],
  ['memory', 'memory limit'],
  ['logs', 'log limit'],
  ['concurrency', 'intra concurrency limit'],
  ['instances', 'instance concurrency limit'],
] as const;

/** Reads what stands beside `exec`, parameters and annotations. Throws OpenWhisk's texts. */
export function readActionRest(body: ExactObject): Omit<ActionPut, 'parameters' | 'annotations'> {
  const limits = readLimits(body['limits']);
  const versioned = readVersioned(body);
  return { ...versioned, limits, delAnnotations: readKeys(body['delAnnotations']) };
}

/** Reads limits; whether they are in range is another question. */
export function readLimits(value: ExactJson | undefined): LimitsPut {
  if (value === undefined || value === null) return {};
  if (!isObject(value)) throw malformedContent("Object expected in field 'timeout'");
  const limits: Partial<Record<keyof ActionLimits, number>> = {};
  for (const [name, label] of limitNames) {
    const given = value[name];
    if (given === undefined || given === null) continue;
    limits[name] = readLimit(given, name, label);
  }
  return limits;
}

/** Annotations of a stored action: the old ones without those to delete, then the new, then what the platform says itself. */
export function mergeAnnotations(
  old: readonly Annotation[] | undefined,
  put: Pick<ActionPut, 'annotations' | 'delAnnotations'>,
  kind: string,
): Annotation[] {
  const kept = (old ?? []).filter(({ key }) => !put.delAnnotations.includes(key));
  const merged = new Map([...kept, ...(put.annotations ?? [])].map((entry) => [entry.key, entry]));
  merged.set('exec', { key: 'exec', value: exactText(kind) });
  if (!old && !merged.has('provide-api-key')) merged.set('provide-api-key', { key: 'provide-api-key', value: exactText(false) });
  return [...merged.values()];
}

/**
 * The parameters that a write leaves behind; undefined keeps those that are there. A sequence has its components for a parameter and no other,
 * and code that takes the place of a sequence does not inherit that.
 */
export function writtenParameters(
  given: readonly Parameter[] | undefined,
  exec: { readonly type: Exec['type']; readonly components?: readonly string[] } | undefined,
  before: Pick<Exec, 'type'> | undefined,
): readonly Parameter[] | undefined {
  if (exec?.components) return [{ key: '_actions', value: toJsonText(exec.components) }];
  if (before?.type !== 'sequence') return given;
  return exec ? (given ?? []) : undefined;
}

/** Whether an action may ask for the key of who invokes it. */
export function wantsKey(action: { readonly annotations: readonly Annotation[] }): boolean {
  return truthy(action, 'provide-api-key', true);
}

/** Throws where the code is larger than allowed. */
export function checkExecSize(bytes: number, profile: LimitProfile): void {
  if (bytes > profile.codeBytes) throw new Failure('field-too-large', { field: 'exec', bytes, limit: profile.codeBytes });
}

function readLimit(given: ExactJson, name: keyof ActionLimits, label: string): number {
  const number = numberOf(given);
  if (number === undefined) throw malformedContent(name === 'concurrency' ? 'concurrency limit malformed' : `${label} malformed`);
  if (!Number.isInteger(number)) throw malformedContent(`requirement failed: ${label} must be whole number`);
  if (name === 'logs' && number < 0) throw malformedContent('requirement failed: a negative size of an object is not allowed.');
  if (name === 'memory' && number < 0) throw malformedContent('requirement failed: a negative size of an object is not allowed.');
  if (name === 'instances' && number < 0) {
    throw malformedContent('requirement failed: Action container concurrency must be greater than or equal to 0.');
  }
  return number;
}

function readKeys(value: ExactJson | undefined): string[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw malformedContent(`Expected Array as JsArray, but got ${exactText(value)}`);
  return (value as readonly ExactJson[]).map((key) => {
    if (typeof key !== 'string') throw malformedContent(`Expected String as JsString, but got ${exactText(key)}`);
    return key;
  });
}
