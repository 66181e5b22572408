export * from './backoff.js';
export * from './cursor.js';
export * from './hlc.js';
export * from './merge.js';
export * from './plan.js';
export * from './ports.js';
export * from './row.js';
