export * from './connection.js';
export * from './frame.js';
export * from './orders.js';
