import { z } from 'zod';
import type { Call } from './router.ts';

const MAX_WAIT_MS = 3_600_000;
const wait = z.coerce.number().int().min(0).max(MAX_WAIT_MS).catch(0);

/** How long the caller is ready to wait for its answer; 0 where it does not say, or says nonsense. */
export function waitMsOf({ query }: Call): number {
  return wait.parse(query.get('wait') ?? 0);
}

/** Resolves when `over` does, when the caller has waited for as long as it wants to, or when it is gone. */
export async function overOrWaited(over: Promise<unknown>, call: Call): Promise<void> {
  const waitMs = waitMsOf(call);
  if (waitMs === 0) return;
  const { promise, resolve } = Promise.withResolvers<unknown>();
  const timer = setTimeout(resolve, waitMs, undefined);
  call.signal.addEventListener('abort', resolve, { once: true });
  void over.then(resolve);
  await promise;
  clearTimeout(timer);
}
