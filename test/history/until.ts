import { setTimeout as pause } from 'node:timers/promises';

const PATIENCE_MS = 15_000;

/** Resolves with the first answer that is wanted. A database tells nobody of its changes, so it is asked. */
export async function until<T>(
  ask: () => Promise<T>,
  isWanted: (answer: T) => boolean,
): Promise<T> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const answer = await ask();
    if (isWanted(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`still ${JSON.stringify(answer).slice(0, 2_000)}`);
    await pause(20);
  }
}
