import type { ActionLimits } from './entities.js';
import { Failure } from './failure.js';

/** A range with the value used where none is given. */
export interface Bounds {
  readonly min: number;
  readonly std: number;
  readonly max: number;
}

/** Every limit the platform enforces. Memory and logs in MB as on the wire (MiB), times in ms, sizes in bytes, rates per minute. */
export interface LimitProfile {
  readonly timeout: Bounds;
  readonly memory: Bounds;
  readonly logs: Bounds;
  readonly concurrency: Bounds;
  readonly invocationsPerMinute: number;
  readonly firesPerMinute: number;
  readonly concurrentInvocations: number;
  /** Whether an action's `instances` may not exceed `concurrentInvocations`. */
  readonly instancesBounded: boolean;
  readonly codeBytes: number;
  readonly parametersBytes: number;
  readonly annotationsBytes: number;
  readonly payloadBytes: number;
  readonly resultBytes: number;
  readonly sequenceLength: number;
  /** Operations that the APIs of a namespace may have together. */
  readonly apiRoutes: number;
  /** The document of one API, and those of all APIs of a namespace together. */
  readonly apiBytes: number;
  readonly apisBytes: number;
  readonly listStd: number;
  readonly listMax: number;
  /** The same for lists of definitions: what deploys here lists without a limit, and takes what is not there for gone. */
  readonly listDefinitionsStd: number;
  /** Longest wait of a blocking call, ms. */
  readonly blockingWaitMs: number;
  /** Status of the answer to a blocking call that outlasts the wait. */
  readonly waitOverStatus: 202 | 504;
  /** Whether a 429 says with `Retry-After` when to come again; OpenWhisk's does not. */
  readonly tellsRetryAfter: boolean;
  /** The kind that `nodejs:default` resolves to. */
  readonly defaultNodeKind: string;
  /** The kinds that the refusal of an unknown one names; all that are offered where not given. OpenWhisk's stand-alone server knows one. */
  readonly namedKinds?: readonly string[];
  /** A sandbox unused for `idleMs` may be reclaimed; at `idleMaxMs` it is. */
  readonly idleMs: number;
  readonly idleMaxMs: number;
  /** Days until a record is dropped. */
  readonly retentionDays: number;
}

const MiB = 1024 * 1024;

/** Ports of public addresses that actions may connect to unless an operator says otherwise (Adobe I/O Runtime's list). */
export const egressPorts: readonly string[] = (
  '21,22,25,53,80,123,143,200-299,389,443,445,465,587,636,1433,2000-2999,3000,3306,4242,4317,4343,5400,5432,5671,5672,6061,6062,6379,6380,' +
  '6651,8000,8020,8080,8085,8088,8089,8300,8500,8600,9090,9092,9093,9094,9096-9352,9354,10000-20000,27016,27017,27018,27019,30303,50010,60020'
).split(',');

const openwhisk: LimitProfile = {
  timeout: { min: 100, std: 60_000, max: 300_000 },
  memory: { min: 128, std: 256, max: 512 },
  logs: { min: 0, std: 10, max: 10 },
  concurrency: { min: 1, std: 1, max: 1 },
  invocationsPerMinute: 60,
  firesPerMinute: 60,
  concurrentInvocations: 30,
  instancesBounded: true,
  codeBytes: 48 * MiB,
  parametersBytes: MiB,
  annotationsBytes: MiB,
  payloadBytes: MiB,
  resultBytes: MiB,
  sequenceLength: 50,
  apiRoutes: 500,
  apiBytes: MiB,
  apisBytes: 4 * MiB,
  listStd: 30,
  listMax: 200,
  listDefinitionsStd: 30,
  blockingWaitMs: 60_000,
  waitOverStatus: 202,
  tellsRetryAfter: false,
  defaultNodeKind: 'nodejs:20',
  namedKinds: ['nodejs:20'],
  idleMs: 5 * 60_000,
  idleMaxMs: 10 * 60_000,
  retentionDays: 7,
};

const { namedKinds: _, ...unnamed } = openwhisk;
const adobe: LimitProfile = {
  ...unnamed,
  timeout: { min: 100, std: 60_000, max: 10_800_000 },
  memory: { min: 128, std: 256, max: 4096 },
  concurrency: { min: 1, std: 200, max: 500 },
  invocationsPerMinute: 6000,
  firesPerMinute: 600,
  concurrentInvocations: 100,
  instancesBounded: false,
  codeBytes: 22 * MiB,
  listMax: 50,
  tellsRetryAfter: true,
  idleMs: 2 * 60_000,
};

/** The named sets of limits, chosen by `LIMITS`. */
export const limitProfiles = {
  seed: { ...adobe, listDefinitionsStd: 1000, waitOverStatus: 504, idleMs: 5 * 60_000 },
  openwhisk,
  'adobe-2026': adobe,
} as const satisfies Record<string, LimitProfile>;

/** A limit profile's name. */
export type LimitProfileName = keyof typeof limitProfiles;

/** What one namespace may, where it differs from the profile; names and units are OpenWhisk's. Sizes are texts such as `512 KB`. */
export interface LimitOverrides {
  readonly invocationsPerMinute?: number;
  readonly firesPerMinute?: number;
  readonly concurrentInvocations?: number;
  readonly allowedKinds?: readonly string[];
  /** False where nothing is kept of what ran: an activation ends, and nobody can read it. */
  readonly storeActivations?: boolean;
  readonly minActionMemory?: number;
  readonly maxActionMemory?: number;
  readonly minActionLogs?: number;
  readonly maxActionLogs?: number;
  readonly minActionTimeout?: number;
  readonly maxActionTimeout?: number;
  readonly minActionConcurrency?: number;
  readonly maxActionConcurrency?: number;
  readonly maxParameterSize?: string;
  readonly maxPayloadSize?: string;
  readonly truncationSize?: string;
  /** Status of the answer to a blocking call that outlasts the wait: stock clients of Adobe's repeat every call that ends with 400 or more. */
  readonly waitOverStatus?: LimitProfile['waitOverStatus'];
}

/** A limit's name. */
export type LimitName = keyof LimitOverrides;

/** Every limit that a namespace can have of its own, in the order in which they are shown. */
export const limitNames = [
  'invocationsPerMinute',
  'firesPerMinute',
  'concurrentInvocations',
  'allowedKinds',
  'storeActivations',
  'minActionMemory',
  'maxActionMemory',
  'minActionLogs',
  'maxActionLogs',
  'minActionTimeout',
  'maxActionTimeout',
  'minActionConcurrency',
  'maxActionConcurrency',
  'maxParameterSize',
  'maxPayloadSize',
  'truncationSize',
  'waitOverStatus',
] as const satisfies readonly LimitName[];

const units: Readonly<Record<string, number>> = { B: 1, K: 1024, M: MiB, G: 1024 * MiB };

/** The bytes that a size such as `512 KB`, `1m` or `1048576 B` names; undefined where it is none. */
export function bytesOf(size: string): number | undefined {
  const [, digits, unit] = /^\s?(\d{1,12})\s?([KMG]?B|[KMG])\s?$/i.exec(size) ?? [];
  const factor = units[(unit ?? '').toUpperCase().charAt(0)];
  return digits === undefined || factor === undefined ? undefined : Number(digits) * factor;
}

/**
 * The profile as it holds for one namespace. Rates are what the namespace has of its own, higher or lower; sizes and ranges only ever become
 * narrower, as in OpenWhisk: what the platform itself cannot bear is no operator's to give.
 */
export function profileFor(own: LimitOverrides, profile: LimitProfile): LimitProfile {
  if (Object.keys(own).length === 0) return profile;
  const payloadBytes = smaller(profile.payloadBytes, own.maxPayloadSize);
  const resultBytes = smaller(profile.resultBytes, own.maxPayloadSize);
  return {
    ...profile,
    invocationsPerMinute: own.invocationsPerMinute ?? profile.invocationsPerMinute,
    firesPerMinute: own.firesPerMinute ?? profile.firesPerMinute,
    concurrentInvocations: own.concurrentInvocations ?? profile.concurrentInvocations,
    waitOverStatus: own.waitOverStatus ?? profile.waitOverStatus,
    memory: narrowed(profile.memory, own.minActionMemory, own.maxActionMemory),
    logs: narrowed(profile.logs, own.minActionLogs, own.maxActionLogs),
    timeout: narrowed(profile.timeout, own.minActionTimeout, own.maxActionTimeout),
    concurrency: narrowed(profile.concurrency, own.minActionConcurrency, own.maxActionConcurrency),
    parametersBytes: smaller(profile.parametersBytes, own.maxParameterSize),
    payloadBytes,
    resultBytes,
  };
}

/** Where both ends are given and contradict each other, the upper one holds. */
function narrowed({ min, std, max }: Bounds, ownMin = min, ownMax = max): Bounds {
  const top = Math.max(min, Math.min(max, ownMax));
  const bottom = Math.min(top, Math.max(min, ownMin));
  return { min: bottom, std: Math.min(top, Math.max(bottom, std)), max: top };
}

function smaller(bytes: number, own: string | undefined): number {
  return Math.min(bytes, (own === undefined ? undefined : bytesOf(own)) ?? bytes);
}

/** Limits of an action where the request gives none. */
export function standardLimits(profile: LimitProfile): ActionLimits {
  return { timeout: profile.timeout.std, memory: profile.memory.std, logs: profile.logs.std, concurrency: profile.concurrency.std };
}

/** Limits that nobody gave with the request, as near to what they were as this profile allows: the profile may have changed since. */
export function withinProfile(limits: ActionLimits, profile: LimitProfile): ActionLimits {
  const within = (value: number, { min, max }: Bounds): number => Math.min(max, Math.max(min, value));
  return {
    ...limits,
    timeout: within(limits.timeout, profile.timeout),
    memory: within(limits.memory, profile.memory),
    logs: within(limits.logs, profile.logs),
    concurrency: within(limits.concurrency, profile.concurrency),
  };
}

/** Checks the limits that a request gives; throws OpenWhisk's text for the first out of range. */
export function checkLimits(
  given: Partial<ActionLimits>,
  profile: LimitProfile,
  concurrentInvocations = profile.concurrentInvocations,
): void {
  const reason = limitViolation(given, profile, concurrentInvocations);
  if (reason !== undefined) throw new Failure('bad-request', { reason });
}

/** Why limits are out of range, or undefined. */
export function limitViolation(
  given: Partial<ActionLimits>,
  profile: LimitProfile,
  concurrentInvocations = profile.concurrentInvocations,
): string | undefined {
  const ranges = [
    ['memory size', given.memory, profile.memory, ' MB'],
    ['duration', given.timeout, profile.timeout, ' milliseconds'],
    ['log size', given.logs, profile.logs, ' MB'],
    ['concurrency', given.concurrency, profile.concurrency, ''],
  ] as const;
  for (const [what, value, { min, max }, unit] of ranges) {
    if (value === undefined) continue;
    if (value > max) return `requirement failed: ${what} ${value}${unit} exceeds allowed threshold of ${max}${unit}`;
    if (value < min) return `requirement failed: ${what} ${value}${unit} below allowed threshold of ${min}${unit}`;
  }
  if (profile.instancesBounded && given.instances !== undefined && given.instances > concurrentInvocations) {
    return `Max action instance concurrency must not exceed your namespace concurrency of ${concurrentInvocations}.`;
  }
  return undefined;
}
