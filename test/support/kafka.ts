import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startKafka, type KafkaBroker, type KafkaLine } from '../../apps/cli/src/world/kafka.js';
import { freePorts } from './ports.js';

/** A broker for a test. */
export interface TestKafka {
  readonly brokers: readonly string[];
  /** Kills the broker as kill -9 does and starts it again; undefined for brokers that the test was given. */
  readonly crash: ((downMs?: number) => Promise<void>) | undefined;
  stop(): Promise<void>;
}

/** The brokers in KAFKA_BROKERS, else a broker of its own. Throws saying what to install where neither is to be had. */
export async function testKafka(line: KafkaLine = '3.9'): Promise<TestKafka> {
  const given = process.env['KAFKA_BROKERS'];
  if (given && line === '3.9') return { brokers: given.split(','), crash: undefined, stop: () => Promise.resolve() };
  const folder = mkdtempSync(join(tmpdir(), 'isochrone-kafka-'));
  const [port = 0, controllerPort = 0] = await freePorts(2);
  const options = { folder, port, controllerPort, line };
  let broker: KafkaBroker = await startKafka(options);
  return {
    brokers: [broker.address],
    crash: async (downMs = 0) => {
      await broker.kill();
      await new Promise((resolve) => setTimeout(resolve, downMs));
      broker = await startKafka(options);
    },
    stop: async () => {
      await broker.kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
