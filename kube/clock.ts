/** The passage of time as a parameter, so that rules and queues can be tested without waiting. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** Milliseconds since some fixed moment: for durations, because `now` jumps when the machine's time is set. */
  monotonic(): number;
  /** Calls `callback` once after `delayMs`; the returned function cancels it and may be called at any time. */
  schedule(callback: () => void, delayMs: number): () => void;
}

/** Node reads a longer delay as 1 ms, so a far deadline would fire at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The machine's own clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  schedule: (callback, delayMs) => {
    const timer = setTimeout(callback, Math.min(Math.max(delayMs, 0), LONGEST_TIMER_MS));
    return () => {
      clearTimeout(timer);
    };
  },
};
