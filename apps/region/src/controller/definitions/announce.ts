import type { EntityKey, EventBus } from '#libs/domain';
import type { Logger } from '#libs/telemetry';

/** Tells the other processes of the region that a row changed. Where that fails, they notice when what they remember has aged. */
export function announce(events: EventBus, logger: Logger, key: EntityKey): void {
  events.publish({ topic: 'entity.changed', key }).catch((cause: unknown) => {
    logger.warn('an event was lost; caches of other processes are late', { topic: 'entity.changed' }, cause);
  });
}
