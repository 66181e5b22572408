import type { Logger } from '#libs/telemetry';

/** How a process reaches its region's queue of record and event bus. */
export interface MessagingOptions {
  readonly queue: 'postgres' | 'kafka';
  /** postgres:// URL; used when `queue` is `postgres`. */
  readonly databaseUrl: string;
  /** host:port of Kafka brokers; used when `queue` is `kafka`. */
  readonly brokers: readonly string[];
  /** Prefix of every topic, so that regions and test runs can share a broker. */
  readonly prefix: string;
  /** Copies of each Kafka partition; with three or more, two must be written before an append is durable. */
  readonly replication: number;
  /** Name of this process. */
  readonly name: string;
  readonly logger: Logger;
  /** How far behind acceptance the consumer runs, ms. */
  readonly delayMs?: number;
}

const MiB = 1024 * 1024;

/**
 * The largest message of the queue of record, bytes: arguments and environment of up to 1 MiB each, the order and what encryption adds.
 * A larger append fails at once with `too-large`.
 */
export const messageBytesMax = 2 * MiB + 64 * 1024;

/** Messages that one batch of a consumer holds at most, and their bytes; a batch holds one message whatever its size. */
export const batchMax = { count: 64, bytes: 8 * MiB } as const;

/** How far behind acceptance the consumer runs unless told otherwise, ms: by then most activations are claimed or done. */
export const standardDelayMs = 2000;

/** An append that takes longer than this has failed, ms. */
export const appendDeadlineMs = 5000;

/** Bounds of what one process lets wait for its next flush. */
export const waitingMax = { count: 10_000, bytes: 128 * MiB } as const;
