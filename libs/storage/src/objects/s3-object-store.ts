import { DeleteObjectCommand, GetObjectCommand, HeadObjectCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { Failure, ObjectStore } from '#libs/domain';
import { addressOf, placeOf, verified } from './addresses.js';

/** Where objects stand in an S3 API server. */
export interface S3Location {
  readonly bucket: string;
  /** Empty, or ends in a slash. */
  readonly prefix: string;
  readonly endpoint?: string;
  readonly region: string;
  /** Bucket in the path instead of the host name: what most servers other than AWS need. */
  readonly pathStyle: boolean;
  readonly accessKey?: string;
  readonly secretKey?: string;
  /** Longest wait for an answer of the server, ms; there are at most three tries. */
  readonly timeoutMs?: number;
}

/**
 * Objects in a bucket. Integrity is our own: the address is the hash, and every read checks it. Conditional writes are never used as a lock:
 * some servers let several writers win. What the server does wrong is thrown as Failure `unavailable` (fault `object-store`).
 */
export class S3ObjectStore extends ObjectStore {
  private readonly client: S3Client;

  constructor(private readonly location: S3Location) {
    super();
    this.client = clientOf(location);
  }

  /** A copy of another length that stands there is replaced. */
  override async put(bytes: Uint8Array): Promise<string> {
    const address = addressOf(bytes);
    if ((await this.lengthOf(address)) === bytes.length) return address;
    const object = { ...this.at(address), Body: bytes, ContentLength: bytes.length, ContentType: 'application/octet-stream' };
    try {
      await this.client.send(new PutObjectCommand(object));
    } catch (cause) {
      throw unavailable(cause);
    }
    return address;
  }

  override async find(address: string): Promise<Uint8Array | undefined> {
    const at = this.at(address);
    const bytes = await absentOr(async () => {
      const { Body } = await this.client.send(new GetObjectCommand(at));
      return Body?.transformToByteArray();
    });
    return bytes && verified(address, bytes);
  }

  override async has(address: string): Promise<boolean> {
    return (await this.lengthOf(address)) !== undefined;
  }

  /** In a bucket that keeps versions the older ones stay until its own rules end them. */
  override async remove(address: string): Promise<boolean> {
    if (!(await this.has(address))) return false;
    const at = this.at(address);
    await absentOr(() => this.client.send(new DeleteObjectCommand(at)));
    return true;
  }

  close(): void {
    this.client.destroy();
  }

  private async lengthOf(address: string): Promise<number | undefined> {
    const at = this.at(address);
    return absentOr(async () => (await this.client.send(new HeadObjectCommand(at))).ContentLength ?? 0);
  }

  private at(address: string) {
    return { Bucket: this.location.bucket, Key: `${this.location.prefix}${placeOf(address)}` };
  }
}

/** The one place that builds a client. Other servers than AWS answer the SDK's own checksums with errors, so they are sent only where required. */
function clientOf({ endpoint, region, pathStyle, accessKey, secretKey, timeoutMs = 10_000 }: S3Location): S3Client {
  return new S3Client({
    region,
    forcePathStyle: pathStyle,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 3,
    requestHandler: {
      connectionTimeout: Math.min(3000, timeoutMs),
      requestTimeout: timeoutMs,
      socketTimeout: timeoutMs,
      throwOnRequestTimeout: true,
    },
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(accessKey === undefined || secretKey === undefined ? {} : { credentials: { accessKeyId: accessKey, secretAccessKey: secretKey } }),
  });
}

/** Runs a request; undefined where the server says that there is no such object. A bucket that is not there is a fault. */
async function absentOr<T>(request: () => Promise<T>): Promise<T | undefined> {
  try {
    return await request();
  } catch (cause) {
    const { name, $metadata } = cause as { name?: string; $metadata?: { httpStatusCode?: number } };
    if (name === 'NoSuchKey' || (name !== 'NoSuchBucket' && $metadata?.httpStatusCode === 404)) return undefined;
    throw unavailable(cause);
  }
}

function unavailable(cause: unknown): Failure {
  return new Failure('unavailable', {}, { cause, fault: 'object-store', retryAfterS: 1 });
}
