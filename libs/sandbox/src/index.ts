export * from './driver/native-driver.js';
export * from './spawner/spawner.js';
export type { WorkshopOptions } from './spawner/workshop.js';
