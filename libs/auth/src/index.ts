export * from './admin-rows.js';
export * from './credentials.js';
export { Identities } from './identities.js';
export { idOfName, LimitOverridesDoc, type Identity } from './identity.js';
export * from './namespace-limits.js';
export * from './operators.js';
export * from './read-through.js';
export * from './subjects.js';
export * from './throttles.js';
