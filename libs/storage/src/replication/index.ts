export { PgChangeFeed } from './feed.js';
export { PgReplicaStore } from './store.js';
export { leadAlarms, leadPush, type Lead } from './leader.js';
export { readPeerStatus, writePeerStatus } from './status.js';
