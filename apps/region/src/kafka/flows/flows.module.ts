import {
  Injectable,
  Module,
  type BeforeApplicationShutdown,
  type DynamicModule,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
} from '@nestjs/common';
import type { RegionConfig } from '#libs/config';
import { AlarmBook } from '../../controller/alarms/alarm-book.js';
import { AlarmFeed, AlarmOptions } from '../../controller/alarms/alarm-feed.js';
import { DefinitionsModule } from '../../controller/definitions/definitions.module.js';
import { ApiBook } from '../../controller/gateway/api-book.js';
import { ApiManagement } from '../../controller/gateway/api-management.js';
import { StorageModule } from '../../storage.module.js';
import { Dispatcher } from '../dispatch/dispatcher.js';
import { KafkaModule } from '../kafka.module.js';
import { Components } from './components.js';
import { Compositions } from './compositions.js';
import { FlowOptions, Leases } from './leases.js';
import { Natives } from './natives.js';
import { Orchestrator } from './orchestrator.js';
import { Sequences } from './sequences.js';

/** How long flows may take to end once the process is told to stop, ms. */
const drainMs = 60_000;

/** Starts and stops the running of flows: they are taken for as long as requests are. */
@Injectable()
class FlowsProcess implements OnApplicationBootstrap, BeforeApplicationShutdown, OnApplicationShutdown {
  constructor(
    private readonly orchestrator: Orchestrator,
    private readonly leases: Leases,
    private readonly dispatcher: Dispatcher,
  ) {}

  onApplicationBootstrap(): void {
    this.leases.begin();
    this.dispatcher.serve(this.orchestrator);
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.orchestrator.settle(drainMs);
  }

  onApplicationShutdown(): void {
    this.leases.end();
  }
}

const modules = new WeakMap<RegionConfig, DynamicModule>();

/** Runs sequences, compositions and the region's own actions, in whatever process accepts or recovers invocations. */
@Module({})
export class FlowsModule {
  static with(config: RegionConfig): DynamicModule {
    const known = modules.get(config);
    if (known) return known;
    const module: DynamicModule = {
      module: FlowsModule,
      imports: [StorageModule.with(config), KafkaModule.with(config), DefinitionsModule.with(config)],
      providers: [
        { provide: FlowOptions, useValue: new FlowOptions(config.ISOCHRONE_NAME) },
        Leases,
        Components,
        Sequences,
        Compositions,
        { provide: AlarmOptions, useValue: new AlarmOptions(config.ISOCHRONE_ALARM_FULL_MINUTES) },
        AlarmBook,
        AlarmFeed,
        ApiBook,
        ApiManagement,
        Natives,
        Orchestrator,
        FlowsProcess,
      ],
      exports: [AlarmBook, ApiBook, ApiManagement],
    };
    modules.set(config, module);
    return module;
  }
}
