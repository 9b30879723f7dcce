/** RFC 3339 with milliseconds, for the fields that deadlines are computed from. */
export function timestamp(ms: number): string {
  return new Date(ms).toISOString();
}

/** Milliseconds since the epoch; undefined for an absent or broken time. */
export function timeOf(text: string | undefined): number | undefined {
  const ms = text === undefined ? Number.NaN : Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}
