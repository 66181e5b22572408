export * from './distance.js';
export * from './health.js';
export * from './paths.js';
export * from './places.js';
export * from './route.js';
