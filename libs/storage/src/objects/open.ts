import type { ObjectStore } from '#libs/domain';
import { FolderObjectStore } from './folder-object-store.js';
import { S3ObjectStore } from './s3-object-store.js';

/** Credentials of an S3 server; without them the SDK looks for its usual ones. */
export interface ObjectStoreCredentials {
  readonly s3AccessKey?: string;
  readonly s3SecretKey?: string;
}

/** Opens `file:/folder`, or `s3://bucket/prefix?endpoint=http://host:port&region=r&pathStyle=true`. */
export function openObjectStore(location: string, { s3AccessKey, s3SecretKey }: ObjectStoreCredentials = {}): ObjectStore {
  const folder = /^file:(\/.+)$/.exec(location)?.[1];
  if (folder !== undefined) return new FolderObjectStore(folder);
  const url = new URL(location);
  if (url.protocol !== 's3:' || url.hostname === '')
    throw new Error(`'${location}' is no object store: file:/folder or s3://bucket/prefix`);
  const endpoint = url.searchParams.get('endpoint');
  const prefix = url.pathname.replace(/^\/+|\/+$/g, '');
  return new S3ObjectStore({
    bucket: url.hostname,
    prefix: prefix === '' ? '' : `${prefix}/`,
    region: url.searchParams.get('region') ?? 'us-east-1',
    pathStyle: url.searchParams.get('pathStyle') === 'true',
    ...(endpoint === null ? {} : { endpoint }),
    ...(s3AccessKey === undefined ? {} : { accessKey: s3AccessKey }),
    ...(s3SecretKey === undefined ? {} : { secretKey: s3SecretKey }),
  });
}
