import {
  limitsJson,
  logsMayBeMissing,
  toJsonText,
  toResponse,
  type ActivationRecord,
  type Annotation,
  type JsonText,
  type Outcome,
  type RunLogs,
  type RunOrder,
} from '#libs/domain';

const MiB = 1024 * 1024;

/** What is known of an activation when it has ended. Times epoch ms, durations ms; `initMs` only where this activation caused an init. */
export interface Ended {
  readonly order: RunOrder;
  readonly region: string;
  readonly attempt: number;
  readonly outcome: Outcome;
  readonly start: ActivationRecord['trace']['start'];
  readonly startMs: number;
  readonly endMs: number;
  readonly initMs?: number;
  readonly runMs?: number;
  readonly logs: RunLogs;
  /** The largest result, bytes, unless the order has another. */
  readonly resultBytes: number;
}

/** No logs. */
export const noLogs: RunLogs = { lines: [], truncated: false };

/** Logs in the order in which they were printed; the whole is truncated where a part is. */
export function joinLogs(...parts: readonly (RunLogs | undefined)[]): RunLogs {
  const there = parts.filter((part) => part !== undefined);
  return { lines: there.flatMap((part) => part.lines), truncated: there.some((part) => part.truncated) };
}

/** The record of an activation that has ended here, as OpenWhisk writes it (REST reference §4.2). */
export function buildRecord(ended: Ended): ActivationRecord {
  const { order, outcome } = ended;
  const waitMs = Math.max(0, ended.startMs - order.acceptedAtMs);
  const initMs = ended.initMs === undefined ? undefined : Math.round(ended.initMs);
  const runMs = ended.runMs === undefined ? undefined : Math.round(ended.runMs);
  const duration = (initMs ?? 0) + (runMs ?? 0);
  return {
    activationId: order.activationId,
    ns: order.ns,
    namespace: order.namespace,
    name: order.action.name,
    filterName: order.filterName,
    version: order.action.version,
    subject: order.subject,
    start: ended.startMs,
    end: Math.max(ended.startMs, ended.endMs),
    duration: outcome.kind === 'timed-out' ? Math.max(duration, outcome.timeoutMs) : duration,
    ...(order.cause === undefined ? {} : { cause: order.cause }),
    response: toResponse(outcome, order.result?.bytes ?? ended.resultBytes, order.result?.shownBytes),
    logs: recordLogs(ended),
    annotations: annotations(ended, waitMs, initMs),
    trace: {
      transid: order.transid,
      region: ended.region,
      start: ended.start,
      waitMs,
      ...(initMs === undefined ? {} : { initMs }),
      ...(runMs === undefined ? {} : { runMs }),
      attempt: ended.attempt,
      ...(order.unkept ? { unkept: true } : {}),
    },
  };
}

/** An action that never came as far as a sandbox has no kind and no limits to tell. */
function annotations({ order, outcome, region, runMs }: Ended, waitMs: number, initMs: number | undefined): Annotation[] {
  const entered = initMs !== undefined || runMs !== undefined;
  const fetched = entered || (outcome.kind !== 'refused' && outcome.kind !== 'internal');
  const all: (readonly [string, JsonText] | false)[] = [
    ['path', toJsonText(order.action.fqn)],
    ['kind', toJsonText(fetched ? order.action.kind : 'unknown')],
    fetched && ['limits', limitsJson(order.action.limits)],
    ['timeout', toJsonText(outcome.kind === 'timed-out')],
    ['waitTime', toJsonText(waitMs)],
    initMs !== undefined && ['initTime', toJsonText(initMs)],
    order.binding !== undefined && ['binding', toJsonText(order.binding)],
    order.cause !== undefined && ['causedBy', toJsonText('sequence')],
    ['region', toJsonText(region)],
  ];
  return all.filter((entry) => entry !== false).map(([key, value]) => ({ key, value }));
}

/** What was printed, and behind it what the platform has to say about it; nothing at all where the action wants no logs. */
function recordLogs({ order, outcome, logs, endMs }: Ended): string[] {
  const limit = order.action.limits.logs * MiB;
  if (limit === 0) return [];
  const time = new Date(endMs).toISOString().padEnd(30);
  const said = [
    ...(logs.truncated ? [`Logs were truncated because the total bytes size exceeds the limit of ${limit} bytes.`] : []),
    ...(logsMayBeMissing(outcome) ? ['The action did not initialize or run as expected. Log data might be missing.'] : []),
  ];
  return [...logs.lines, ...said.map((text) => `${time} stderr: ${text}`)];
}
