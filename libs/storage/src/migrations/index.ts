import { Tables1764000000001 } from './0001-tables.js';
import { Replication1764000000002 } from './0002-replication.js';
import { Administration1764000000003 } from './0003-administration.js';
import { Throttles1764000000004 } from './0004-throttles.js';
import { Alarms1764000000005 } from './0005-alarms.js';
import { ErasedAlarms1764000000006 } from './0006-erased-alarms.js';

/** Every migration, oldest first. Hand-written: TypeORM's schema synchronisation would "mend" partitions and partial indexes. */
export const migrations = [
  Tables1764000000001,
  Replication1764000000002,
  Administration1764000000003,
  Throttles1764000000004,
  Alarms1764000000005,
  ErasedAlarms1764000000006,
];
