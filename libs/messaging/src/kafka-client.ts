import { Kafka, logLevel, type LogEntry } from 'kafkajs';
import type { MessagingOptions } from './options.js';

/**
 * A client of the region's brokers. Its own tries end within seconds: whoever uses it has a deadline and starts over.
 * What kafkajs logs as an error is handled by its user, who logs it once; here it is for debugging.
 */
export function kafkaClient({ brokers, name, logger }: Pick<MessagingOptions, 'brokers' | 'name' | 'logger'>): Kafka {
  silenceNegativeTimeouts();
  return new Kafka({
    brokers: [...brokers],
    clientId: `isochrone-${name}`,
    connectionTimeout: 2000,
    requestTimeout: 10_000,
    retry: { initialRetryTime: 100, maxRetryTime: 1000, retries: 5 },
    logLevel: logLevel.WARN,
    logCreator:
      () =>
      ({ namespace, log }: LogEntry) =>
        logger.debug('kafkajs says', { namespace, text: log.message }),
  });
}

let silenced = false;

/** From Node 24 on, kafkajs's request queue sets a timer in the past once per process; the warning about that one is of no use to anybody. */
function silenceNegativeTimeouts(): void {
  if (silenced) return;
  silenced = true;
  const emit = process.emitWarning.bind(process);
  const isThatOne = (warning: string | Error, given: unknown): boolean =>
    given === 'TimeoutNegativeWarning' || (warning instanceof Error && warning.name === 'TimeoutNegativeWarning');
  process.emitWarning = ((warning: string | Error, ...rest: [string?]) => {
    if (!isThatOne(warning, rest[0])) emit(warning, ...rest);
  }) as typeof process.emitWarning;
}
