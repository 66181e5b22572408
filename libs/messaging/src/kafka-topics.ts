import type { Logger } from '#libs/telemetry';
import type { Admin, Kafka } from 'kafkajs';
import { within } from './group-commit.js';
import { incompatible, readApiVersions } from './kafka-versions.js';

/** A topic as it has to be. */
export interface TopicSpec {
  readonly topic: string;
  readonly partitions: number;
  readonly replication: number;
  readonly config: Readonly<Record<string, string>>;
}

/** Settings of a topic whose messages must survive: retention of a week, and two copies written where there are three or more. */
export function durableConfig(replication: number, messageBytes: number): Record<string, string> {
  return {
    'max.message.bytes': String(messageBytes),
    'retention.ms': String(7 * 24 * 3600 * 1000),
    'retention.bytes': '-1',
    'min.insync.replicas': String(replication >= 3 ? 2 : 1),
    'unclean.leader.election.enable': 'false',
  };
}

/** Creates the topic where it does not exist and resolves once every partition has a leader. Throws when the brokers cannot do that in time. */
export async function ensureTopic(kafka: Kafka, spec: TopicSpec, timeoutMs = 15_000): Promise<void> {
  await withAdmin(kafka, timeoutMs, async (admin) => {
    const until = Date.now() + timeoutMs;
    if (!(await admin.listTopics()).includes(spec.topic)) await create(admin, spec);
    while (!(await hasLeaders(admin, spec.topic))) {
      if (Date.now() > until) throw new Error(`topic ${spec.topic} has partitions without a leader`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  });
}

/** Refuses brokers that have dropped what kafkajs speaks; the error names the requests. */
export async function checkVersions(brokers: readonly string[]): Promise<void> {
  const versions = await Promise.any(brokers.map((broker) => readApiVersions(broker)));
  const missing = incompatible(versions);
  if (missing.length > 0) throw new Error(`these brokers no longer take what this Kafka client speaks: ${missing.join(', ')}`);
}

/** Resolves once the brokers answer as a cluster, which an open port does not show. */
export async function awaitCluster(kafka: Kafka, timeoutMs: number, logger: Logger): Promise<void> {
  const until = Date.now() + timeoutMs;
  for (;;) {
    try {
      const brokers = await withAdmin(kafka, 5000, async (admin) => (await admin.describeCluster()).brokers);
      if (brokers.length > 0) return;
    } catch (cause) {
      if (Date.now() > until) throw cause;
      logger.debug('the Kafka cluster is not ready', {});
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** Runs something with an administrative connection, which is closed whatever comes of it. */
export async function withAdmin<R>(kafka: Kafka, timeoutMs: number, work: (admin: Admin) => Promise<R>): Promise<R> {
  const admin = kafka.admin();
  try {
    return await within(
      admin.connect().then(() => work(admin)),
      timeoutMs,
    );
  } finally {
    await within(admin.disconnect(), 1000).catch(() => undefined);
  }
}

/** Whether every partition of a topic has a leader now. */
export async function hasLeaders(admin: Admin, topic: string): Promise<boolean> {
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    const partitions = topics[0]?.partitions ?? [];
    return partitions.length > 0 && partitions.every((partition) => partition.leader >= 0);
  } catch (error) {
    if (error instanceof Error && 'retriable' in error && error.retriable === true) return false;
    throw error;
  }
}

/** Several processes create at once: that it exists already is no fault. Leaders are awaited by polling: the client's own wait fails on several brokers. */
async function create(admin: Admin, { topic, partitions, replication, config }: TopicSpec): Promise<void> {
  const configEntries = Object.entries(config).map(([name, value]) => ({ name, value }));
  try {
    await admin.createTopics({
      topics: [{ topic, numPartitions: partitions, replicationFactor: replication, configEntries }],
      waitForLeaders: false,
    });
  } catch (error) {
    if (!(await admin.listTopics()).includes(topic)) throw error;
  }
}
