import { Module, type DynamicModule } from '@nestjs/common';
import type { RegionConfig } from '#libs/config';
import { SandboxDriver } from '#libs/domain';
import { Logger } from '#libs/telemetry';
import { StorageModule } from '../storage.module.js';
import { Claims } from './claims.js';
import { CodeCache } from './code-cache.js';
import { openDriver } from './driver.js';
import { egressOf } from './egress.js';
import { FrameServer } from './frame-server.js';
import { Invoker } from './invoker.js';
import { InvokerParts, InvokerProcess } from './invoker-process.js';
import { Journal } from './journal.js';
import { InvokerOptions } from './options.js';
import { RecordWriter } from './record-writer.js';
import { SandboxPool } from './sandbox-pool.js';

/** The invoker role: takes RUN frames and runs them in sandboxes. */
@Module({})
export class InvokerModule {
  /** Throws when the configuration lacks what this role needs, or says what cannot be read. */
  static with(config: RegionConfig): DynamicModule {
    const egress = egressOf(config);
    return {
      module: InvokerModule,
      imports: [StorageModule.with(config)],
      providers: [
        { provide: InvokerOptions, useValue: InvokerOptions.from(config) },
        {
          provide: SandboxDriver,
          useFactory: (options: InvokerOptions, logger: Logger) => openDriver(options, egress, logger),
          inject: [InvokerOptions, Logger],
        },
        Journal,
        Claims,
        RecordWriter,
        CodeCache,
        SandboxPool,
        Invoker,
        FrameServer,
        InvokerParts,
        InvokerProcess,
      ],
    };
  }
}
