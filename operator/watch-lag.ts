/** Longer than a healthy watch lags: until then what this process or its predecessor wrote may be missing in a cache. */
export const WATCH_LAG_MS = 5_000;
