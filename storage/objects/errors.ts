export type StoreErrorCode =
  /** There is no such object. */
  | 'NotFound'
  /** The key breaks the rules of keys.ts, or the place is taken by something else. */
  | 'BadKey'
  /** More or fewer bytes came than were announced. */
  | 'BadSize'
  /** The range begins behind the end of the object. */
  | 'BadRange'
  /** The store does not answer, or has no room. */
  | 'Unavailable'
  /** The store answers, and will not do this: wrong keys, no such bucket. */
  | 'Refused'
  | 'Aborted';

/** A call to an object store that failed. `retryable`: the same call may succeed later, with nothing changed by the caller. */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly code: StoreErrorCode;
  readonly retryable: boolean;

  constructor(code: StoreErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
    // A refusal is for people to mend, and they do so while we go on asking: a bucket that is made later, a key that is rotated.
    this.retryable = code === 'Unavailable' || code === 'Refused';
  }
}
