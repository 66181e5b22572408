export * from './driver/native-driver.js';
export { checkEgress, type EgressOptions } from './egress/egress.js';
export { entryOfUrl, type EgressRules } from './egress/policy.js';
export * from './spawner/spawner.js';
export type { WorkshopOptions } from './spawner/workshop.js';
export { availableKinds, bringKind, findKinds, type KindFinding } from './kinds/runtimes.js';
export { bringNode, npmEnvironment } from './kinds/node-store.js';
export { nodePackageOf } from './kinds/pins.js';
