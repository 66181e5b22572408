export * from './pool.js';
export * from './place.js';
export * from './queue.js';
export * from './upkeep.js';
