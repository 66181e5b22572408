import {
  Injectable,
  type BeforeApplicationShutdown,
  type OnApplicationBootstrap,
  type OnApplicationShutdown,
  type OnModuleDestroy,
} from '@nestjs/common';
import { SandboxDriver } from '#libs/domain';
import { Logger } from '#libs/telemetry';
import { Claims } from './claims.js';
import { FrameServer } from './frame-server.js';
import { Invoker } from './invoker.js';
import { InvokerOptions } from './options.js';
import { RecordWriter } from './record-writer.js';
import { SandboxPool } from './sandbox-pool.js';

const flushMs = 5000;
const farewellMs = 1000;

/** The parts of the invoker, in the order in which they live. */
@Injectable()
export class InvokerParts {
  constructor(
    readonly claims: Claims,
    readonly records: RecordWriter,
    readonly sandboxes: SandboxPool,
    readonly invoker: Invoker,
    readonly server: FrameServer,
  ) {}
}

/** Brings the invoker up and down in order: journal, pool, door; then door, runs, records, sandboxes. */
@Injectable()
export class InvokerProcess implements OnApplicationBootstrap, OnModuleDestroy, BeforeApplicationShutdown, OnApplicationShutdown {
  constructor(
    private readonly parts: InvokerParts,
    private readonly driver: SandboxDriver,
    private readonly options: InvokerOptions,
    private readonly logger: Logger,
  ) {}

  async onApplicationBootstrap(): Promise<void> {
    const { claims, records, sandboxes, server } = this.parts;
    for (const warning of this.driver.info().warnings) this.logger.warn(warning);
    claims.begin();
    await records.begin();
    sandboxes.begin();
    await server.begin();
  }

  /** Stops intake: peers hear of it, and what waits goes back to them. */
  onModuleDestroy(): void {
    this.parts.invoker.drain();
    this.parts.server.announce();
    this.logger.log('invoker drains', { running: this.parts.invoker.load });
  }

  async beforeApplicationShutdown(): Promise<void> {
    const { claims, records, invoker, server } = this.parts;
    await invoker.settle(this.options.drainMs);
    await server.end(farewellMs);
    await records.end(flushMs);
    claims.end();
  }

  async onApplicationShutdown(): Promise<void> {
    await this.parts.sandboxes.close();
    await this.driver.close();
  }
}
