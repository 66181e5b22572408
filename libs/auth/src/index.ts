export * from './callers.js';
export * from './credentials.js';
export * from './identities.js';
export * from './identity.js';
export * from './read-through.js';
export * from './subjects.js';
export * from './throttles.js';
export * from './tokens.js';
