import type { Readable } from 'node:stream';

/** What is known of an object without reading it. */
export interface StoredObject {
  readonly key: string;
  readonly size: number;
  /** Quoted, as in HTTP; another one whenever the object was written anew. */
  readonly etag: string;
  readonly modifiedAt: Date;
}

export interface ObjectHead extends StoredObject {
  readonly contentType: string;
}

/** Both ends included, as in HTTP; `end` may lie behind the end of the object. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface OpenObject {
  /** `size` is that of the whole object, also where a range was asked for. */
  readonly head: ObjectHead;
  /** To be read to its end or destroyed. */
  readonly content: Readable;
}

export interface PutOptions {
  /** Exactly so many bytes will come; absent: nobody knows. */
  readonly size?: number;
  readonly contentType?: string;
  readonly signal?: AbortSignal;
}

export interface GetOptions {
  readonly range?: ByteRange;
  readonly signal?: AbortSignal;
}

export interface ListOptions {
  /** Goes on behind the page that gave this. */
  readonly cursor?: string | undefined;
  /** Most objects in a page; 1 to 1,000. */
  readonly limit?: number;
  readonly signal?: AbortSignal;
}

export interface ObjectPage {
  readonly objects: readonly StoredObject[];
  /** Absent: that was all. */
  readonly cursor?: string;
}

export interface PresignOptions {
  readonly expiresInSeconds: number;
  /** The value of Content-Disposition in the answer. */
  readonly disposition?: string;
}

/**
 * Bytes under keys. Every failure is a `StoreError`; nothing is held in memory but a few chunks of a stream.
 * Two implementations, S3 and a folder, are held to one contract in test/storage/.
 */
export interface ObjectStore {
  readonly kind: 's3' | 'directory';
  /** Where that is, as a URL for people: `s3://bucket/key` or `file:///folder/key`. It opens nothing. */
  locationOf(key: string): string;
  /** Whole, or not at all: an object that is there already stays until the new one is complete. */
  put(key: string, content: Readable, options?: PutOptions): Promise<void>;
  /** Throws NotFound or BadRange. */
  get(key: string, options?: GetOptions): Promise<OpenObject>;
  head(key: string, signal?: AbortSignal): Promise<ObjectHead | undefined>;
  /** Objects whose keys begin with `prefix`, which ends in a slash: `s1/` never finds `s10/`. */
  list(prefix: string, options?: ListOptions): Promise<ObjectPage>;
  /** One that is not there is deleted already. */
  delete(key: string, signal?: AbortSignal): Promise<void>;
  /** Everything that `list` would find. */
  deletePrefix(prefix: string, signal?: AbortSignal): Promise<void>;
  /** A URL from which a client of ours can read the object for a while; undefined: this store has none to give. */
  presign(key: string, options: PresignOptions): Promise<string | undefined>;
  /** Throws unless objects can be read and listed right now. */
  check(signal?: AbortSignal): Promise<void>;
  close(): void;
}
