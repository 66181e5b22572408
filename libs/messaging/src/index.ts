export { awaitBrokers } from './kafka-ready.js';
export { openEventBus, openQueue } from './open.js';
export { messageBytesMax, type MessagingOptions } from './options.js';
export { RegionEventsServer } from './region-events-server.js';
export { pause } from './pause.js';
