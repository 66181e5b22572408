import { readFileSync } from 'node:fs';
import type { ReplicationConfig } from '#libs/config';

/** This region's certificate, its key, and the world's authority: PEM. */
export interface Tls {
  readonly cert: string;
  readonly key: string;
  readonly ca: string;
}

/** Reads the files that the configuration names; throws naming the one that cannot be read. */
export function readTls(config: ReplicationConfig): Tls {
  return { cert: read(config.ISOCHRONE_TLS_CERT), key: read(config.ISOCHRONE_TLS_KEY), ca: read(config.ISOCHRONE_TLS_CA) };
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new Error(`cannot read ${file}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause });
  }
}
