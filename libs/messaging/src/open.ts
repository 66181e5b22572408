import type { ActivationQueue, EventBus } from '#libs/domain';
import { KafkaEvents } from './kafka-events.js';
import { KafkaQueue } from './kafka-queue.js';
import type { MessagingOptions } from './options.js';
import { PostgresEvents } from './postgres-events.js';
import { PostgresQueue } from './postgres-queue.js';

/** The region's queue of record. Connections are made when they are needed, so this neither waits nor fails. */
export function openQueue(options: MessagingOptions): ActivationQueue {
  return options.queue === 'kafka' ? new KafkaQueue(options) : new PostgresQueue(options);
}

/** The region's event bus, beside its queue. Connections are made when they are needed, so this neither waits nor fails. */
export function openEventBus(options: MessagingOptions): EventBus {
  return options.queue === 'kafka' ? new KafkaEvents(options) : new PostgresEvents(options);
}
