import { Logger } from '#libs/telemetry';
import { kafkaClient } from './kafka-client.js';
import { awaitCluster, checkVersions } from './kafka-topics.js';

/** Resolves once Kafka brokers (`host:port`) answer as a cluster that this client can talk to; throws after `timeoutMs`. */
export async function awaitBrokers(brokers: readonly string[], timeoutMs: number): Promise<void> {
  const logger = new Logger({}, 'error');
  await awaitCluster(kafkaClient({ brokers, name: 'ready', logger }), timeoutMs, logger);
  await checkVersions(brokers);
}
