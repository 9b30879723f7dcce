import { ApiError } from '../errors.ts';
import type { Principal } from './principal.ts';

/** Sessions end by disuse after minutes; asking again sooner than this is of little use. */
const RETRY_AFTER = { 'Retry-After': '30' };

/** Holds callers to their number of active sessions, those that are just being created included. */
export class SessionQuota {
  readonly #starting = new Map<string, number>();

  /** Runs `create` if the caller may have one more session than the `active` ones. Throws SessionQuotaExceeded. */
  async within<T>(
    { name, sessions }: Principal,
    active: () => number,
    create: () => Promise<T>,
  ): Promise<T> {
    if (sessions === undefined) return create();
    const starting = this.#starting.get(name) ?? 0;
    if (active() + starting >= sessions) throw exceeded(sessions);
    this.#starting.set(name, starting + 1);
    try {
      return await create();
    } finally {
      this.#ended(name);
    }
  }

  #ended(name: string): void {
    const left = (this.#starting.get(name) ?? 1) - 1;
    if (left > 0) this.#starting.set(name, left);
    else this.#starting.delete(name);
  }
}

function exceeded(sessions: number): ApiError {
  return new ApiError('SessionQuotaExceeded', `This caller may have ${String(sessions)} sessions`, {
    headers: RETRY_AFTER,
  });
}
