import {
  Injectable,
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleDestroy,
} from '@nestjs/common';
import type { RegionConfig } from '#libs/config';
import { ActivationQueue, EventBus } from '#libs/domain';
import { openEventBus, openQueue, RegionEventsServer, type MessagingOptions } from '#libs/messaging';
import { NamespaceKeys } from '#libs/storage';
import { Logger } from '#libs/telemetry';
import { StorageModule } from '../storage.module.js';
import { Acceptance } from './acceptance.js';
import { Dispatcher, DispatcherOptions } from './dispatch/dispatcher.js';
import { RecordWaiters } from './dispatch/record-waiters.js';
import { Sealing } from './message.js';
import { QueuedAcceptance } from './queued-acceptance.js';
import { Recovery, RecoveryOptions } from './recovery/recovery.js';

/** Starts and stops the dispatch of runs. Clients close last, when every request has its answer. */
@Injectable()
class DispatchProcess implements OnApplicationBootstrap, OnApplicationShutdown {
  constructor(
    private readonly dispatcher: Dispatcher,
    private readonly waiters: RecordWaiters,
    private readonly queue: ActivationQueue,
    private readonly events: EventBus,
  ) {}

  onApplicationBootstrap(): void {
    this.waiters.begin();
    this.dispatcher.begin();
  }

  async onApplicationShutdown(): Promise<void> {
    this.waiters.end();
    await this.dispatcher.end();
    await Promise.all([this.queue.close(), this.events.close()]);
  }
}

/** Starts and stops recovery. */
@Injectable()
class RecoveryProcess implements OnApplicationBootstrap, OnModuleDestroy, BeforeApplicationShutdown {
  private ending: Promise<void> | undefined;

  constructor(private readonly recovery: Recovery) {}

  onApplicationBootstrap(): void {
    this.recovery.begin();
  }

  /** Stops the intake; what was taken is handled before the queue closes. */
  onModuleDestroy(): void {
    this.ending = this.recovery.end();
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.ending;
  }
}

const modules = new WeakMap<RegionConfig, DynamicModule>();

/**
 * Acceptance of invocations, their dispatch, and region events; with the role `kafka` recovery too. One and the same for every role of a
 * process.
 */
@Module({})
export class KafkaModule {
  static with(config: RegionConfig): DynamicModule {
    const known = modules.get(config);
    if (known) return known;
    const { ISOCHRONE_INVOKERS, ISOCHRONE_NAME, ISOCHRONE_FRAME_TOKEN } = config;
    const recovery = [{ provide: RecoveryOptions, useValue: new RecoveryOptions(config.ISOCHRONE_REGION) }, Recovery, RecoveryProcess];
    const module: DynamicModule = {
      module: KafkaModule,
      imports: [StorageModule.with(config)],
      providers: [
        { provide: ActivationQueue, useFactory: (logger: Logger) => openQueue(messaging(config, logger)), inject: [Logger] },
        { provide: EventBus, useFactory: (logger: Logger) => openEventBus(messaging(config, logger)), inject: [Logger] },
        { provide: RegionEventsServer, useFactory: (bus: EventBus) => new RegionEventsServer(bus), inject: [EventBus] },
        { provide: Sealing, useExisting: NamespaceKeys },
        { provide: DispatcherOptions, useValue: new DispatcherOptions(ISOCHRONE_INVOKERS, ISOCHRONE_NAME, ISOCHRONE_FRAME_TOKEN) },
        RecordWaiters,
        Dispatcher,
        { provide: Acceptance, useClass: QueuedAcceptance },
        DispatchProcess,
        ...(config.ISOCHRONE_ROLES.includes('kafka') ? recovery : []),
      ],
      exports: [Acceptance, Dispatcher, RecordWaiters, EventBus, RegionEventsServer],
    };
    modules.set(config, module);
    return module;
  }
}

/** Throws where the queue is Kafka and no broker is named: such a deployment never boots. */
function messaging(config: RegionConfig, logger: Logger): MessagingOptions {
  if (config.ISOCHRONE_QUEUE === 'kafka' && config.ISOCHRONE_KAFKA_BROKERS.length === 0) {
    throw new Error('bad configuration: ISOCHRONE_QUEUE is kafka, and ISOCHRONE_KAFKA_BROKERS names no broker');
  }
  return {
    queue: config.ISOCHRONE_QUEUE,
    databaseUrl: config.ISOCHRONE_DATABASE_URL,
    brokers: config.ISOCHRONE_KAFKA_BROKERS,
    prefix: config.ISOCHRONE_KAFKA_PREFIX,
    replication: config.ISOCHRONE_KAFKA_REPLICATION,
    name: config.ISOCHRONE_NAME,
    logger,
  };
}
