import type { ActionLimits, Annotation } from './entities.js';
import type { ActivationId, NamespaceId } from './ids.js';
import { jsonObject, toJsonText, type JsonText } from './json.js';

/** How an activation ended, as the status of its response. The index is OpenWhisk's status code. */
export const statuses = ['success', 'application error', 'action developer error', 'whisk internal error'] as const;
/** 0 success, 1 application error, 2 action developer error, 3 whisk internal error. */
export type StatusCode = 0 | 1 | 2 | 3;

/** The response part of an activation's record. `size` is the length in bytes of what the container answered, when it did. */
export interface ActivationResponse {
  readonly statusCode: StatusCode;
  readonly result: JsonText | undefined;
  readonly size?: number;
}

/** A finished activation. Times are epoch ms, durations ms. */
export interface ActivationRecord {
  readonly activationId: ActivationId;
  /** The invoking namespace: whose record it is. */
  readonly ns: NamespaceId;
  readonly namespace: string;
  readonly name: string;
  /** What the list filter `name` matches: `ACT`, or `PKG/ACT` with the binding's package where there was one. */
  readonly filterName: string;
  readonly version: string;
  readonly subject: string;
  readonly start: number;
  readonly end?: number;
  readonly duration?: number;
  readonly cause?: ActivationId;
  readonly response: ActivationResponse;
  readonly logs: readonly string[];
  readonly annotations: readonly Annotation[];
  /** For `isochrone why`: not part of any body a client sees. */
  readonly trace: ActivationTrace;
}

/** How many activations a flow has caused: components that are no sequences themselves, and runs of conductors. */
export interface Ran {
  readonly components: number;
  readonly conductors: number;
}

/** What an operator asks of one activation. Durations in ms. */
export interface ActivationTrace {
  readonly transid: string;
  readonly region: string;
  readonly start: 'cold' | 'prewarmed' | 'warm' | 'none';
  readonly waitMs: number;
  readonly initMs?: number;
  readonly runMs?: number;
  readonly attempt: number;
  /** Of a sequence or composition, whose logs are the ids of what it caused: how much that was, with what its own cause had caused before. */
  readonly ran?: Ran;
  /** There where the namespace keeps no records: that it ended is all that is stored. */
  readonly unkept?: true;
}

/** The record's JSON as a client reads it; blocking answers carry no logs. */
export function recordJson(record: ActivationRecord, logs: readonly string[] = record.logs): JsonText {
  return jsonObject([
    ['namespace', toJsonText(record.namespace)],
    ['name', toJsonText(record.name)],
    ['version', toJsonText(record.version)],
    ['subject', toJsonText(record.subject)],
    ['activationId', toJsonText(record.activationId)],
    ...optional('cause', record.cause),
    ['start', toJsonText(record.start)],
    ...optional('end', record.end),
    ...optional('duration', record.duration),
    ['response', responseJson(record.response)],
    ['logs', toJsonText(logs)],
    ['annotations', annotationsJson(record.annotations)],
    ['publish', toJsonText(false)],
  ]);
}

/** The response object, as in a record and in `/activations/ID/result`. */
export function responseJson(response: ActivationResponse): JsonText {
  return jsonObject([
    ...(response.result === undefined ? [] : [['result', response.result] as const]),
    ...optional('size', response.size),
    ['status', toJsonText(statuses[response.statusCode])],
    ['success', toJsonText(response.statusCode === 0)],
  ]);
}

/** The entry of an activation list without `docs`. */
export function summaryJson(record: Omit<ActivationRecord, 'logs' | 'trace' | 'response'> & { readonly statusCode: StatusCode }): JsonText {
  return jsonObject([
    ['namespace', toJsonText(record.namespace)],
    ['name', toJsonText(record.name)],
    ['version', toJsonText(record.version)],
    ['publish', toJsonText(false)],
    ['annotations', annotationsJson(record.annotations)],
    ['activationId', toJsonText(record.activationId)],
    ['start', toJsonText(record.start)],
    ...optional('end', record.end),
    ...optional('duration', record.duration),
    ...optional('cause', record.cause),
    ...(record.end === undefined ? [] : optional('statusCode', record.statusCode)),
  ]);
}

/** Annotations as a list of `{key, value}`. */
export function annotationsJson(annotations: readonly Annotation[]): JsonText {
  return `[${annotations
    .map(({ key, value }) =>
      jsonObject([
        ['key', toJsonText(key)],
        ['value', value],
      ]),
    )
    .join(',')}]` as JsonText;
}

/** Limits as on the wire. */
export function limitsJson({ timeout, memory, logs, concurrency, instances }: ActionLimits): JsonText {
  return toJsonText({ timeout, memory, logs, concurrency, ...(instances === undefined ? {} : { instances }) });
}

function optional(key: string, value: string | number | undefined): (readonly [string, JsonText])[] {
  return value === undefined ? [] : [[key, toJsonText(value)]];
}
