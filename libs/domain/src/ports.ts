import type { ActivationRecord, Ran, StatusCode } from './activation.js';
import type { Outcome } from './outcome.js';
import type { ActionLimits, EntityKind, Space } from './entities.js';
import type { ActivationId, EntityId, Hlc, NamespaceId, RegionCode, Transid } from './ids.js';
import type { JsonText } from './json.js';

/** One row of the entity table: the unit that replicates, the smallest intention of a user. */
export interface EntityRow {
  readonly space: Space;
  readonly ns: NamespaceId;
  readonly path: string;
  readonly kind: EntityKind;
  readonly entityId: EntityId;
  readonly hlc: Hlc;
  /** Code of the region that wrote this version. */
  readonly origin: RegionCode;
  /** Version of the row's own format. */
  readonly schema: number;
  readonly deleted: boolean;
  /** The document without secrets, as JSON text; null in a tombstone. */
  readonly doc: JsonText | null;
  /** Parameters and other secrets, encrypted with the namespace's key; null where there are none. */
  readonly sealed: Uint8Array | null;
  /** SHA-256 (hex) of the ciphertext of the code it needs; null where there is none. */
  readonly blob: string | null;
  /** Rows that must be visible before this one is. */
  readonly requires: readonly { readonly space: Space; readonly path: string }[];
  /** Epoch ms shown as `updated`, by which lists are ordered. */
  readonly updated: number;
}

/** A row's key. */
export interface EntityKey {
  readonly space: Space;
  readonly ns: NamespaceId;
  readonly path: string;
}

/** What a writer wants a row to become. The store adds version, origin and change stamp. */
export interface EntityWrite {
  readonly kind: EntityKind;
  readonly entityId: EntityId;
  readonly deleted: boolean;
  readonly doc: JsonText | null;
  readonly sealed: Uint8Array | null;
  readonly blob: string | null;
  readonly requires: readonly { readonly space: Space; readonly path: string }[];
  readonly updated: number;
}

/** The definitions of a region. */
export abstract class EntityStore {
  /** The visible row, or undefined where there is none or a tombstone. */
  abstract find(key: EntityKey): Promise<EntityRow | undefined>;
  /**
   * Reads the row under a lock, lets `decide` say what becomes of it (or throw a Failure), and commits that with a newer version.
   * `current` is undefined where there is no visible row. Returns the written row and the token of the write (`X-Isochrone-Token`).
   */
  abstract write(key: EntityKey, decide: (current: EntityRow | undefined) => EntityWrite): Promise<{ row: EntityRow; token: string }>;
  /** Visible rows of one kind, latest `updated` first. `pkg` narrows to one package; `null` to none. */
  abstract list(query: { ns: NamespaceId; kind: EntityKind; pkg?: string; skip: number; limit: number }): Promise<EntityRow[]>;
  abstract count(query: { ns: NamespaceId; kind: EntityKind; pkg?: string }): Promise<number>;
  /** All visible rows of a space with the given path, whatever the namespace (auth keys by their uuid, namespaces by name). */
  abstract findByPath(space: Space, path: string): Promise<EntityRow[]>;
  /** All visible rows of one namespace in a space, by path. */
  abstract inNamespace(space: Space, ns: NamespaceId): Promise<EntityRow[]>;
  /** All visible rows of a space. */
  abstract all(space: Space): Promise<EntityRow[]>;
}

/** Immutable bytes by the SHA-256 (hex) of themselves. Every read checks the hash. */
export abstract class ObjectStore {
  /** Stores bytes and returns their address; storing the same bytes again does nothing. */
  abstract put(bytes: Uint8Array): Promise<string>;
  /** The bytes, or undefined where there are none. Throws when they do not match their address. */
  abstract find(address: string): Promise<Uint8Array | undefined>;
  abstract has(address: string): Promise<boolean>;
  /** Removes bytes for good, and says whether there were any. */
  abstract remove(address: string): Promise<boolean>;
}

/** An accepted invocation as the queue of record keeps it. `body` is opaque to the queue. */
export interface QueueMessage {
  readonly id: ActivationId;
  readonly ns: NamespaceId;
  readonly body: Uint8Array;
}

/** The queue of record: its append is acceptance. */
export abstract class ActivationQueue {
  /** Resolves once the message is durable; throws Failure `unavailable` (fault `queue`) when it cannot be within the deadline. */
  abstract append(message: QueueMessage): Promise<void>;
  /**
   * Hands every message to `handle`, at least once, in batches, a little after its acceptance; a batch is acknowledged when `handle` resolves
   * and comes again when it throws. Ends when `signal` aborts.
   */
  abstract consume(handle: (batch: readonly QueueMessage[]) => Promise<void>, signal: AbortSignal): Promise<void>;
  /** Whether an append would have a chance now. */
  abstract healthy(): Promise<boolean>;
  abstract close(): Promise<void>;
}

/** Something of a region changed; keys of what caches must forget. */
export interface RegionEvent {
  readonly topic: 'entity.changed';
  readonly key: EntityKey;
}

/** Region-internal events (cache invalidation). Delivery is best effort; every receiver has a safety net of its own. */
export abstract class EventBus {
  abstract publish(event: RegionEvent): Promise<void>;
  abstract subscribe(handle: (event: RegionEvent) => void): Promise<void>;
  abstract close(): Promise<void>;
}

/** The right to run one activation, granted to one invoker for one attempt. */
export interface Claim {
  readonly id: ActivationId;
  readonly ns: NamespaceId;
  readonly invoker: string;
  readonly leaseMs: number;
}

/** What the store answers to a claim or a start. */
export type Granted =
  { readonly granted: true; readonly attempt: number } | { readonly granted: false; readonly because: 'claimed' | 'started' | 'done' };

/** An accepted activation that nobody runs, or whose runner is gone. */
export interface DueActivation {
  readonly id: ActivationId;
  readonly ns: NamespaceId;
  readonly attempt: number;
  /** `redeliver`: it never started. `lost`: it did, and its lease ran out. */
  readonly verdict: 'redeliver' | 'lost';
  readonly body: Uint8Array | undefined;
}

/** Filters of an activation list; times epoch ms, inclusive. */
export interface ActivationFilter {
  readonly name?: string;
  readonly since?: number;
  readonly upto?: number;
}

/** Requests of one namespace and one rate that a controller asks to let in together. */
export interface AdmissionAsk {
  readonly ns: NamespaceId;
  readonly rate: 'invocations' | 'fires';
  /** Whole minutes since the epoch. */
  readonly minute: number;
  /** How many ask. */
  readonly asking: number;
  /** Requests of this minute that this controller let in before it counted together with others. */
  readonly untold: number;
  /** Invocations of the namespace that this controller has in flight. */
  readonly flying: number;
  readonly allowedPerMinute: number;
  /** Null where what is in flight does not matter. */
  readonly allowedFlying: number | null;
}

/** What the region knows of a namespace after an ask: the minute's requests, these included, and what other controllers have in flight. */
export interface AdmissionCounts {
  readonly count: number;
  readonly flyingElsewhere: number;
}

/** Counts of requests that all controllers of a region share. */
export abstract class ThrottleCounts {
  /** Whether no other controller of the region has been heard of lately: counts of one's own are then exact. */
  abstract readonly alone: boolean;
  /** Counts, and notes as in flight as many as the allowances leave room for. Answers stand in the order of the asks. */
  abstract admit(asks: readonly AdmissionAsk[]): Promise<AdmissionCounts[]>;
}

/** State and records of a region's activations. */
export abstract class ActivationStore {
  /** Notes accepted activations that nobody claimed yet; those that are known already are left alone. */
  abstract accept(messages: readonly QueueMessage[]): Promise<void>;
  /** Claims for an invoker; `start` claims and starts in one step, after which the run is never repeated. */
  abstract claim(claim: Claim): Promise<Granted>;
  abstract start(claim: Claim): Promise<Granted>;
  /** Prolongs the leases of what an invoker holds. */
  abstract renew(invoker: string, ids: readonly ActivationId[], leaseMs: number): Promise<void>;
  /** Gives a claim back that has not started. */
  abstract release(claim: Claim): Promise<void>;
  /** Writes a terminal record; false where the activation is done already or belongs to a later attempt. `attempt` 0 takes any. */
  abstract finish(record: ActivationRecord, attempt: number): Promise<boolean>;
  /** What the recovery loop has to see to: accepted and unclaimed for `idleMs`, or with a lease that ran out. */
  abstract due(idleMs: number, limit: number): Promise<DueActivation[]>;
  abstract find(ns: NamespaceId, id: ActivationId): Promise<{ kind: 'done'; record: ActivationRecord } | { kind: 'pending' } | undefined>;
  abstract list(
    ns: NamespaceId,
    filter: ActivationFilter,
    page: { skip: number; limit: number },
  ): Promise<(Omit<ActivationRecord, 'logs' | 'trace' | 'response'> & { statusCode: StatusCode })[]>;
  abstract listFull(ns: NamespaceId, filter: ActivationFilter, page: { skip: number; limit: number }): Promise<ActivationRecord[]>;
  abstract count(ns: NamespaceId, filter: ActivationFilter): Promise<number>;
  /** Records by transaction id, oldest first, of any namespace: for operators. */
  abstract byTransid(transid: string): Promise<ActivationRecord[]>;
}

/** How an activation that the region runs itself goes about it: mostly one that consists of others, of which only what it causes reaches an invoker. */
export type Flow = FlowSurroundings &
  (
    | {
        readonly kind: 'sequence';
        /** Actions in their order, `/NS/[PKG/]ACT`. */
        readonly components: readonly string[];
      }
    /** A conductor says what comes next. */
    | { readonly kind: 'composition' }
    /** It consists of nothing else: what it does is the region's own work, such as a feed's. */
    | { readonly kind: 'native' }
  );

/** Where a flow stands among others. */
export interface FlowSurroundings {
  /** How much the flows around it have caused before; 0 outside of any whose count it shares. */
  readonly ran: Ran;
  /** How many flows there are around it. */
  readonly depth: number;
}

/** What an invoker must know to run one activation; travels as the head of a RUN frame. The arguments travel beside it, as bytes. */
export interface RunOrder {
  readonly activationId: ActivationId;
  readonly transid: Transid;
  /** The invoking namespace. */
  readonly ns: NamespaceId;
  readonly namespace: string;
  readonly subject: string;
  readonly action: RunAction;
  /** Epoch ms of acceptance: the start of `waitTime`. */
  readonly acceptedAtMs: number;
  readonly blocking: boolean;
  readonly cause?: ActivationId;
  /** `PKG/ACT` or `ACT`, the binding's package where there was one. */
  readonly filterName: string;
  /** `NS/BINDING` where invoked through one. */
  readonly binding?: string;
  /** There where the activation consists of others; `action` is then what was asked for, without code. */
  readonly flow?: Flow;
  /** Ends the activation as an application error with this text, without running it. */
  readonly refusal?: string;
  /** Where the namespace has limits of its own: the largest result, and what is shown of a larger one. */
  readonly result?: { readonly bytes: number; readonly shownBytes: number };
  /** There where the namespace keeps no records: the activation ends, and nothing of it can be read. */
  readonly unkept?: true;
  /** Secrets: never logged, sealed in the queue. */
  readonly secret: RunSecret;
}

/** The secret part of an order. */
export interface RunSecret {
  /** `uuid:key`, only for actions entitled to it. */
  readonly apiKey?: string;
  /** Environment from `init` parameters, already as strings. */
  readonly env: Readonly<Record<string, string>>;
}

/** The exact version of an action that is to run. */
export interface RunAction {
  readonly entityId: EntityId;
  readonly hlc: Hlc;
  /** Owner's namespace: its key decrypts the code. */
  readonly ns: NamespaceId;
  /** Fully qualified, no leading slash: `NS/[PKG/]ACT`. */
  readonly fqn: string;
  readonly name: string;
  readonly version: string;
  readonly kind: string;
  /** The image it runs in, where it names one itself. */
  readonly image?: string;
  readonly main: string;
  readonly binary: boolean;
  readonly blob: string;
  readonly keyVersion: number;
  readonly limits: ActionLimits;
}

/** What a sandbox is made as, before any code is in it. */
export interface StemSpec {
  readonly kind: string;
  readonly memoryMiB: number;
}

/** The code of one action version, to be loaded into a sandbox once. */
export interface InitOrder {
  readonly activationId: ActivationId;
  readonly name: string;
  readonly main: string;
  readonly binary: boolean;
  /** Source text, or the bytes that the base64 of a binary action stands for. */
  readonly code: Uint8Array;
  /** Environment of the action: `init` parameters and the `__OW_*` of the first run. Values are strings. */
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** Calls at once inside the sandbox. */
  readonly concurrency: number;
}

/** One run inside an initialised sandbox. `env` holds the `__OW_*` that change from run to run. */
export interface SandboxRun {
  readonly activationId: ActivationId;
  /** The arguments: the text of a JSON value, as bytes. */
  readonly args: Uint8Array;
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  /** Bytes of logs to keep; 0 keeps none. */
  readonly logBytes: number;
  /** The largest result; a larger one arrives cut, with its whole length. */
  readonly resultBytes: number;
}

/** What a run printed: lines in OpenWhisk's form `%-30s stream: text`, in order, and whether the limit cut them. */
export interface RunLogs {
  readonly lines: readonly string[];
  readonly truncated: boolean;
}

/** One isolated process tree. User faults are outcomes, never exceptions. */
export interface Sandbox {
  readonly id: string;
  readonly spec: StemSpec;
  /** Loads the code; `ok` means that it can run. Logs of a failed init belong to the activation that caused it. */
  init(
    order: InitOrder,
  ): Promise<{ readonly outcome: Outcome | { readonly kind: 'ok' }; readonly durationMs: number; readonly logs: RunLogs }>;
  /** Runs; several at once up to the action's concurrency. */
  run(order: SandboxRun): Promise<{ readonly outcome: Outcome; readonly durationMs: number; readonly logs: RunLogs }>;
  /** Resolves once when the process tree is gone, with the cause. */
  readonly exited: Promise<'killed' | 'exited' | 'out-of-memory'>;
  /** Stops all CPU use of an idle sandbox; `thaw` undoes it. Neither throws. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
  /** Ends the whole process tree now. */
  kill(): Promise<void>;
}

/** What isolates sandboxes here. */
export interface SandboxInfo {
  readonly driver: 'native' | 'process';
  readonly isolated: boolean;
  /** What an operator must know, such as missing isolation; each a full sentence with the command that mends it. */
  readonly warnings: readonly string[];
  readonly kinds: readonly string[];
}

/** Makes sandboxes. Spawning happens in a process of its own, never in the caller's. */
export abstract class SandboxDriver {
  abstract info(): SandboxInfo;
  /** A running sandbox without code, ready for `init`. Throws Failure `unavailable` when none can be made within the deadline. */
  abstract create(spec: StemSpec): Promise<Sandbox>;
  abstract close(): Promise<void>;
}
