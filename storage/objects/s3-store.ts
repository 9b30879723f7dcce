import type { Readable } from 'node:stream';
import {
  CreateBucketCommand,
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { exactly } from './counted.ts';
import { StoreError } from './errors.ts';
import { checkKey, checkPrefix } from './keys.ts';
import type {
  GetOptions,
  ListOptions,
  ObjectHead,
  ObjectPage,
  ObjectStore,
  OpenObject,
  PresignOptions,
  PutOptions,
  StoredObject,
} from './object-store.ts';
import { isMissingBucket, translateS3Error } from './s3-errors.ts';

const DEFAULT_TYPE = 'application/octet-stream';
const MAX_PAGE = 1_000;
/** Of one PUT, by S3's rules. */
const MAX_SINGLE_PUT = 5 * 2 ** 30;
/** The smallest part is 5 MiB; each one is held in memory until it is sent. */
const PART_BYTES = 8 * 2 ** 20;

export interface S3StoreOptions {
  readonly client: S3Client;
  /** Signs URLs for an address that clients of ours reach; absent: there is none. */
  readonly signer?: S3Client | undefined;
  readonly bucket: string;
}

/** Objects in a bucket of anything that speaks S3. */
export class S3Store implements ObjectStore {
  readonly kind = 's3';
  readonly #client: S3Client;
  readonly #signer: S3Client | undefined;
  readonly #bucket: string;
  #prepared: Promise<void> | undefined;

  constructor({ client, signer, bucket }: S3StoreOptions) {
    this.#client = client;
    this.#signer = signer;
    this.#bucket = bucket;
  }

  locationOf(key: string): string {
    return `s3://${this.#bucket}/${checkKey(key)}`;
  }

  async put(key: string, content: Readable, options: PutOptions = {}): Promise<void> {
    const target = { Bucket: this.#bucket, Key: checkKey(key) };
    const { size, contentType: ContentType = DEFAULT_TYPE } = options;
    await this.#prepare();
    await sending(content, options, async (body, signal) => {
      const params = { ...target, ContentType, Body: body };
      if (size === undefined || size > MAX_SINGLE_PUT) await this.#putInParts(params, signal);
      else {
        const command = new PutObjectCommand({ ...params, ContentLength: size });
        await this.#client.send(command, { abortSignal: signal });
      }
    });
  }

  async get(key: string, { range, signal }: GetOptions = {}): Promise<OpenObject> {
    const Range = range === undefined ? undefined : `bytes=${range.start}-${range.end}`;
    const command = new GetObjectCommand({ Bucket: this.#bucket, Key: checkKey(key), Range });
    await this.#prepare();
    try {
      const answer = await this.#client.send(command, abortable(signal));
      const content = readableOf(answer.Body);
      const size = wholeSize(answer.ContentRange) ?? answer.ContentLength ?? 0;
      return { head: headOf(key, { ...answer, ContentLength: size }), content };
    } catch (error) {
      throw translateS3Error(error, signal);
    }
  }

  async head(key: string, signal?: AbortSignal): Promise<ObjectHead | undefined> {
    const command = new HeadObjectCommand({ Bucket: this.#bucket, Key: checkKey(key) });
    try {
      return headOf(key, await this.#client.send(command, abortable(signal)));
    } catch (error) {
      const translated = translateS3Error(error, signal);
      if (translated.code === 'NotFound') return undefined;
      throw translated;
    }
  }

  async list(prefix: string, options: ListOptions = {}): Promise<ObjectPage> {
    const { cursor, limit = MAX_PAGE, signal } = options;
    const command = new ListObjectsV2Command({
      Bucket: this.#bucket,
      Prefix: checkPrefix(prefix),
      MaxKeys: limit,
      ContinuationToken: cursor,
      // Keys may hold what XML cannot.
      EncodingType: 'url',
    });
    await this.#prepare();
    try {
      const {
        Contents = [],
        NextContinuationToken,
        EncodingType,
      } = await this.#client.send(command, abortable(signal));
      const objects = Contents.map((entry) => listed(entry, EncodingType)).filter(
        ({ key }) => !key.endsWith('/'),
      );
      return NextContinuationToken === undefined
        ? { objects }
        : { objects, cursor: NextContinuationToken };
    } catch (error) {
      throw translateS3Error(error, signal);
    }
  }

  async delete(key: string, signal?: AbortSignal): Promise<void> {
    const command = new DeleteObjectCommand({ Bucket: this.#bucket, Key: checkKey(key) });
    try {
      await this.#client.send(command, abortable(signal));
    } catch (error) {
      const translated = translateS3Error(error, signal);
      if (translated.code !== 'NotFound') throw translated;
    }
  }

  async deletePrefix(prefix: string, signal?: AbortSignal): Promise<void> {
    const page = signal === undefined ? {} : { signal };
    // Always the first page: what it showed is gone when the next is asked for.
    for (;;) {
      const { objects } = await this.list(prefix, page);
      if (objects.length === 0) return;
      await this.#deleteAll(objects, signal);
    }
  }

  async presign(key: string, options: PresignOptions): Promise<string | undefined> {
    if (this.#signer === undefined) return undefined;
    const command = new GetObjectCommand({
      Bucket: this.#bucket,
      Key: checkKey(key),
      ResponseContentDisposition: options.disposition,
    });
    return getSignedUrl(this.#signer, command, { expiresIn: options.expiresInSeconds });
  }

  /** Makes the bucket where it is missing and may be made. */
  async check(signal?: AbortSignal): Promise<void> {
    const bucket = { Bucket: this.#bucket };
    try {
      await this.#client.send(new HeadBucketCommand(bucket), abortable(signal));
    } catch (error) {
      if (!isMissingBucket(error)) throw translateS3Error(error, signal);
      await this.#client
        .send(new CreateBucketCommand(bucket), abortable(signal))
        .catch((cause: unknown) => {
          throw translateS3Error(cause, signal);
        });
    }
  }

  close(): void {
    this.#client.destroy();
    this.#signer?.destroy();
  }

  /** Looks for the bucket before it is first used. What cannot be told now the call itself will tell; an outage is looked at again. */
  #prepare(): Promise<void> {
    this.#prepared ??= this.check().catch((error: unknown) => {
      if (error instanceof StoreError && error.code === 'Unavailable') this.#prepared = undefined;
    });
    return this.#prepared;
  }

  async #putInParts(
    params: { Bucket: string; Key: string; ContentType: string; Body: Readable },
    signal: AbortSignal,
  ): Promise<void> {
    const upload = new Upload({ client: this.#client, params, queueSize: 1, partSize: PART_BYTES });
    const abort = (): void => void upload.abort();
    signal.throwIfAborted();
    signal.addEventListener('abort', abort, { once: true });
    try {
      await upload.done();
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  async #deleteAll(objects: readonly StoredObject[], signal?: AbortSignal): Promise<void> {
    const command = new DeleteObjectsCommand({
      Bucket: this.#bucket,
      Delete: { Objects: objects.map(({ key }) => ({ Key: key })), Quiet: true },
    });
    const answer = await this.#client.send(command, abortable(signal)).catch((error: unknown) => {
      throw translateS3Error(error, signal);
    });
    const [failure] = answer.Errors ?? [];
    if (failure !== undefined)
      throw new StoreError('Unavailable', `an object could not be deleted: ${failure.Code ?? ''}`);
  }
}

function abortable(signal: AbortSignal | undefined): { abortSignal?: AbortSignal } {
  return signal === undefined ? {} : { abortSignal: signal };
}

/** The SDK does not listen to the errors of what it sends: they end the request here, and are told as they were. */
async function sending(
  content: Readable,
  { size, signal }: PutOptions,
  send: (body: Readable, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const broken = new AbortController();
  const body = size === undefined ? content : content.pipe(exactly(size));
  for (const stream of new Set([content, body]))
    stream.once('error', (error) => {
      broken.abort(error);
    });
  const signals = signal === undefined ? [broken.signal] : [broken.signal, signal];
  try {
    await send(body, AbortSignal.any(signals));
  } catch (error) {
    throw broken.signal.aborted ? broken.signal.reason : translateS3Error(error, signal);
  } finally {
    for (const stream of [body, content]) stream.destroy();
  }
}

/** In Node.js the SDK answers with a stream. */
function readableOf(body: unknown): Readable {
  if (body !== null && typeof body === 'object' && 'pipe' in body) return body as Readable;
  throw new StoreError('Unavailable', 'the store answered without content');
}

interface S3Answer {
  readonly ContentLength?: number | undefined;
  readonly ContentType?: string | undefined;
  readonly ETag?: string | undefined;
  readonly LastModified?: Date | undefined;
}

function headOf(key: string, answer: S3Answer): ObjectHead {
  return {
    key,
    size: answer.ContentLength ?? 0,
    etag: answer.ETag ?? '""',
    modifiedAt: answer.LastModified ?? new Date(0),
    contentType: answer.ContentType ?? DEFAULT_TYPE,
  };
}

interface S3Entry {
  readonly Key?: string | undefined;
  readonly Size?: number | undefined;
  readonly ETag?: string | undefined;
  readonly LastModified?: Date | undefined;
}

/** Not every server encodes when it is asked to. */
function listed(entry: S3Entry, encoding: string | undefined): StoredObject {
  const { Key = '', Size = 0, ETag = '""', LastModified = new Date(0) } = entry;
  const key = encoding === 'url' ? decodeURIComponent(Key.replaceAll('+', ' ')) : Key;
  return { key, size: Size, etag: ETag, modifiedAt: LastModified };
}

/** Of `bytes 0-9/1234`. */
function wholeSize(contentRange: string | undefined): number | undefined {
  const size = /\/(\d+)$/.exec(contentRange ?? '')?.[1];
  return size === undefined ? undefined : Number(size);
}
