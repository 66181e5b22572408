import { GetObjectCommand, HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { ObjectStore } from '#libs/domain';
import { addressOf, verified } from './folder-object-store.js';

/** Where objects stand in an S3 API server. */
export interface S3Location {
  readonly bucket: string;
  readonly prefix: string;
  readonly endpoint?: string;
  readonly region: string;
  /** Bucket in the path instead of the host name: what most servers other than AWS need. */
  readonly pathStyle: boolean;
  readonly accessKey?: string;
  readonly secretKey?: string;
}

/**
 * Objects in a bucket. Integrity is our own: the address is the hash, and every read checks it. Conditional writes are never used as a lock:
 * some servers let several writers win.
 */
export class S3ObjectStore extends ObjectStore {
  private readonly client: S3Client;

  constructor(private readonly location: S3Location) {
    super();
    this.client = clientOf(location);
  }

  override async put(bytes: Uint8Array): Promise<string> {
    const address = addressOf(bytes);
    if (!(await this.has(address))) {
      await this.client.send(
        new PutObjectCommand({ ...this.at(address), Body: bytes, ContentLength: bytes.length, ContentType: 'application/octet-stream' }),
      );
    }
    return address;
  }

  override async find(address: string): Promise<Uint8Array | undefined> {
    try {
      const { Body } = await this.client.send(new GetObjectCommand(this.at(address)));
      return Body && verified(address, await Body.transformToByteArray());
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  override async has(address: string): Promise<boolean> {
    try {
      await this.client.send(new HeadObjectCommand(this.at(address)));
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  }

  close(): void {
    this.client.destroy();
  }

  private at(address: string) {
    return { Bucket: this.location.bucket, Key: `${this.location.prefix}${address.slice(0, 2)}/${address.slice(2)}` };
  }
}

/** The one place that builds a client. Other servers than AWS answer the SDK's own checksums with errors, so they are sent only where required. */
function clientOf({ endpoint, region, pathStyle, accessKey, secretKey }: S3Location): S3Client {
  return new S3Client({
    region,
    forcePathStyle: pathStyle,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 3,
    requestHandler: { connectionTimeout: 3000, requestTimeout: 30_000 },
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(accessKey === undefined || secretKey === undefined ? {} : { credentials: { accessKeyId: accessKey, secretAccessKey: secretKey } }),
  });
}

function isMissing(error: unknown): boolean {
  const { name, $metadata } = error as { name?: string; $metadata?: { httpStatusCode?: number } };
  return name === 'NoSuchKey' || name === 'NotFound' || $metadata?.httpStatusCode === 404;
}
