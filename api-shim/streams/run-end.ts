import type { ApiError } from '../errors.ts';
import { toApiError } from '../to-api-error.ts';
import type { Run } from '../run.ts';

/** How a stream ends: with the ended run, or with why there will never be one. */
export type Ending =
  | { readonly type: 'result'; readonly run: Run }
  | { readonly type: 'error'; readonly error: ApiError };

/** The end of a run, which can be looked at and waited for. */
export class RunEnd {
  /** Never rejects. */
  readonly known: Promise<Ending>;
  #ending: Ending | undefined;

  constructor(finished: Promise<Run>) {
    this.known = finished.then(
      (run) => (this.#ending = { type: 'result', run }),
      (error: unknown) => (this.#ending = { type: 'error', error: toApiError(error) }),
    );
  }

  get ending(): Ending | undefined {
    return this.#ending;
  }
}
