export * from './read.js';
export * from './schemas.js';
export * from './world.js';
