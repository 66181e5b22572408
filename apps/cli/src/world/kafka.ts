/**
 * A real Kafka broker without an installation: Maven collects its jars once, Java runs it as one process that is broker and controller.
 * For `QUEUE=kafka npm start` and for tests; a region in production is given brokers.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { createWriteStream, existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { awaitBrokers } from '#libs/messaging';
import { boundLife } from '../supervision/bound-life.js';

/** The broker lines that are known to work. */
export type KafkaLine = '3.9' | '4.4';

export interface KafkaOptions {
  /** Keeps settings, log and data; made when absent, and used again by the next start. */
  readonly folder: string;
  /** Where clients connect, on 127.0.0.1. */
  readonly port: number;
  /** For the controller inside the process; clients never use it. */
  readonly controllerPort: number;
  readonly line?: KafkaLine;
}

/** A running broker. */
export interface KafkaBroker {
  /** host:port, as ISOCHRONE_KAFKA_BROKERS takes it. */
  readonly address: string;
  readonly pid: number;
  /** Resolves with the exit code once the process is gone, whoever ended it. */
  readonly exited: Promise<number | null>;
  /** Ends it in order. */
  stop(): Promise<void>;
  /** Ends it as a crash does. */
  kill(): Promise<void>;
}

const java = ['-Xms96m', '-Xmx320m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Djava.awt.headless=true'];
const readyMs = 60_000;
const collectMs = 600_000;
const stopMs = 15_000;
/** Kafka's own form of a cluster id: 16 bytes as base64url. One name for all: each broker here is a cluster of its own. */
const clusterId = 'aXNvY2hyb25lLWxvY2Fs';

/**
 * The command that runs a broker, for whoever supervises it; jars are collected and storage is formatted where that was not done.
 * Throws one line that says what to install where Java, Maven or the jars are missing. Ready is what `awaitBrokers` calls ready.
 */
export async function kafkaCommand(options: KafkaOptions): Promise<{ readonly file: string; readonly args: string[] }> {
  const jars = await collectJars(options.line ?? '3.9');
  mkdirSync(options.folder, { recursive: true });
  const properties = join(options.folder, 'server.properties');
  writeFileSync(properties, propertiesOf(options));
  const classpath = ['-cp', `${configFolder(options.folder)}:${join(jars, '*')}`];
  if (!existsSync(join(options.folder, 'data', 'meta.properties'))) await format(classpath, properties);
  return { file: 'java', args: [...java, ...classpath, 'kafka.Kafka', properties] };
}

/** Starts a broker and resolves once it answers. Throws like `kafkaCommand`. */
export async function startKafka(options: KafkaOptions): Promise<KafkaBroker> {
  const { file, args } = boundLife(await kafkaCommand(options), 'TERM');
  const child = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const log = createWriteStream(join(options.folder, 'broker.log'), { flags: 'a' });
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  const broker = brokerOf(child, `127.0.0.1:${options.port}`);
  void broker.exited.then(() => log.end());
  try {
    await Promise.race([awaitBrokers([broker.address], readyMs), broker.exited.then((code) => Promise.reject(ended(code)))]);
  } catch (cause) {
    await broker.kill();
    throw new Error(`Kafka did not start; see ${join(options.folder, 'broker.log')}`, { cause });
  }
  return broker;
}

/** The folder of a broker's jars, collected by Maven the first time. Throws saying what to install. */
export async function collectJars(line: KafkaLine): Promise<string> {
  await requireProgram('java', '-version', 'default-jre-headless');
  const jars = join(homedir(), '.cache', 'isochrone', `kafka-${line}`);
  if (existsSync(jars)) return jars;
  await requireProgram('mvn', '--version', 'maven');
  const fresh = `${jars}.${process.pid}`;
  mkdirSync(fresh, { recursive: true });
  const pom = join(projectRoot(), 'docker', 'kafka', `pom-${line}.xml`);
  const args = ['-q', '-B', '-f', pom, 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${fresh}`];
  const { failed, said } = await run('mvn', args, collectMs);
  if (failed || readdirSync(fresh).length === 0) {
    rmSync(fresh, { recursive: true, force: true });
    throw new Error(`Maven could not collect Kafka's jars (is its repository reachable?): ${said}`);
  }
  try {
    renameSync(fresh, jars);
  } catch (error) {
    // Another process was faster.
    rmSync(fresh, { recursive: true, force: true });
    if (!existsSync(jars)) throw error;
  }
  return jars;
}

function brokerOf(child: ChildProcess, address: string): KafkaBroker {
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve).once('error', () => resolve(null)));
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal);
    const late = setTimeout(() => child.kill('SIGKILL'), stopMs);
    await exited;
    clearTimeout(late);
  };
  return { address, pid: child.pid ?? 0, exited, stop: () => end('SIGTERM'), kill: () => end('SIGKILL') };
}

/** Small-machine settings. A short session lets a broker that was killed come back in seconds. */
function propertiesOf({ folder, port, controllerPort }: KafkaOptions): string {
  const settings = {
    'process.roles': 'broker,controller',
    'node.id': 1,
    'controller.quorum.voters': `1@127.0.0.1:${controllerPort}`,
    listeners: `PLAINTEXT://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:${port}`,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'log.dirs': join(folder, 'data'),
    'broker.session.timeout.ms': 3000,
    'broker.heartbeat.interval.ms': 500,
    'offsets.topic.replication.factor': 1,
    'offsets.topic.num.partitions': 1,
    'transaction.state.log.replication.factor': 1,
    'transaction.state.log.min.isr': 1,
    'transaction.state.log.num.partitions': 1,
    'share.coordinator.state.topic.replication.factor': 1,
    'share.coordinator.state.topic.min.isr': 1,
    'share.coordinator.state.topic.num.partitions': 1,
    'group.initial.rebalance.delay.ms': 0,
    'num.io.threads': 2,
    'num.network.threads': 2,
    'num.recovery.threads.per.data.dir': 1,
    'log.cleaner.threads': 1,
    'log.cleaner.dedupe.buffer.size': 2 * 1024 * 1024,
    'log.segment.bytes': 64 * 1024 * 1024,
    'auto.create.topics.enable': false,
    'unclean.leader.election.enable': false,
    // An acknowledgement promises that the message outlives a crash of this only copy, machine included.
    'log.flush.interval.messages': 1,
  };
  return Object.entries(settings)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}

/** Settings of both loggers: 3.9 reads the first file, 4.x the second. Warnings only. */
function configFolder(folder: string): string {
  const config = join(folder, 'config');
  mkdirSync(config, { recursive: true });
  writeFileSync(
    join(config, 'log4j.properties'),
    'log4j.rootLogger=WARN, out\nlog4j.appender.out=org.apache.log4j.ConsoleAppender\nlog4j.appender.out.layout=org.apache.log4j.PatternLayout\nlog4j.appender.out.layout.ConversionPattern=%d %p %m (%c)%n\n',
  );
  writeFileSync(
    join(config, 'log4j2.properties'),
    'rootLogger.level=warn\nrootLogger.appenderRef.out.ref=out\nappender.out.type=Console\nappender.out.name=out\nappender.out.layout.type=PatternLayout\nappender.out.layout.pattern=%d %p %m (%c)%n\n',
  );
  return config;
}

async function format(classpath: readonly string[], properties: string): Promise<void> {
  const args = [...java, ...classpath, 'kafka.tools.StorageTool', 'format', '-t', clusterId, '-c', properties, '--ignore-formatted'];
  const { failed, said } = await run('java', args, readyMs);
  if (failed) throw new Error(`Kafka's storage could not be formatted: ${said}`);
}

async function requireProgram(program: string, versionFlag: string, debianPackage: string): Promise<void> {
  if (!(await run(program, [versionFlag], readyMs)).failed) return;
  throw new Error(
    `a local Kafka needs '${program}': install it (apt-get install ${debianPackage}), or name running brokers in KAFKA_BROKERS`,
  );
}

/** Runs a program to its end; `said` is the first line it wrote, for a message. */
function run(file: string, args: readonly string[], timeoutMs: number): Promise<{ failed: boolean; said: string }> {
  return new Promise((resolve) => {
    execFile(file, args, { timeout: timeoutMs, maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) =>
      resolve({ failed: error !== null, said: `${stderr}${stdout}`.trim().split('\n')[0] ?? '' }),
    );
  });
}

function ended(code: number | null): Error {
  return new Error(`the broker ended with code ${code ?? 'none'}`);
}

function projectRoot(): string {
  let at = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(at, 'nest-cli.json'))) at = dirname(at);
  return at;
}
