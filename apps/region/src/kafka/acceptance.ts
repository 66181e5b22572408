import type { ActivationRecord, RunOrder, SandboxInfo } from '#libs/domain';

/** One invocation on its way. Neither promise is ever reported as an unhandled rejection, whoever looks at it or not. */
export interface Invocation {
  /** Resolves once the invocation is durable: only then may its id be given to a client. Rejects with Failure `unavailable`, and then there is no activation. */
  readonly accepted: Promise<void>;
  /** The terminal record once it is known, without logs but for a flow's; rejects with a Failure when it is not known within the action's time limit and a margin. */
  readonly record: Promise<ActivationRecord>;
}

/** What a region's health page tells about one invoker. */
export interface InvokerStatus {
  readonly name: string;
  readonly connected: boolean;
  readonly draining: boolean;
  readonly sandbox?: SandboxInfo;
}

/**
 * Takes invocations in. The append to the queue of record is acceptance; a blocking order is dispatched at the same time, any other after it.
 * Whatever becomes of the dispatch, an accepted activation ends in one record.
 */
export abstract class Acceptance {
  /** Starts an invocation. `args` is the text of a JSON value, as bytes. */
  abstract invoke(order: RunOrder, args: Uint8Array): Invocation;
  /** Whether the queue takes messages, and the invokers this process knows. */
  abstract status(): Promise<{ readonly queue: boolean; readonly invokers: readonly InvokerStatus[] }>;
}
