import type { EventBus, RegionEvent } from '#libs/domain';
import { BaseRpcContext, Server, type CustomTransportStrategy } from '@nestjs/microservices';

/**
 * Carries region events to methods marked `@EventPattern('entity.changed')`, which get the RegionEvent as their payload:
 * `app.connectMicroservice({ strategy: new RegionEventsServer(bus) })`. The bus belongs to whoever made it and is not closed here.
 */
export class RegionEventsServer extends Server implements CustomTransportStrategy {
  private open = true;

  constructor(private readonly bus: EventBus) {
    super();
  }

  listen(callback: (error?: unknown) => void): void {
    this.bus.subscribe((event) => this.deliver(event)).then(() => callback(), callback);
  }

  close(): void {
    this.open = false;
  }

  /** There are no events about the transport itself. */
  on(): void {}

  // eslint-disable-next-line typescript/no-unnecessary-type-parameters -- the base class fixes the signature
  unwrap<T>(): T {
    return this.bus as T;
  }

  /** An event that no method waits for is no fault; a method that throws is the method's fault and stops nothing. */
  private deliver(event: RegionEvent): void {
    if (!this.open || !this.getHandlerByPattern(event.topic)) return;
    const packet = { pattern: event.topic, data: event };
    this.handleEvent(event.topic, packet, new BaseRpcContext([event])).catch((cause: unknown) => this.handleError(String(cause)));
  }
}
