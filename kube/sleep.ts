import type { Clock } from './clock.ts';

/** Resolves after `delayMs`, or at once when `signal` aborts; it never rejects, so the caller looks at the signal. */
export async function sleep(clock: Clock, delayMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const wake = (): void => {
      cancel();
      signal.removeEventListener('abort', wake);
      resolve();
    };
    const cancel = clock.schedule(wake, delayMs);
    signal.addEventListener('abort', wake, { once: true });
  });
}
