import { z } from 'zod';

export type HistoryErrorCode =
  /** The database did not answer, or not in time; the same call may succeed later. */
  | 'Unavailable'
  /** The database refuses these very values. */
  | 'Rejected'
  /** Another process leads by now: this one must not write any more. */
  | 'Deposed';

/** What can go wrong with the history. Its message never repeats a statement or a value: these hold users' code. */
export class HistoryError extends Error {
  override readonly name = 'HistoryError';
  readonly code: HistoryErrorCode;
  readonly retryable: boolean;

  constructor(code: HistoryErrorCode, message: string) {
    super(message);
    this.code = code;
    this.retryable = code === 'Unavailable';
  }
}

/** Data too long, out of range, wrong for its column, null; a packet too large: see MariaDB's error codes. */
const REFUSED_VALUES: ReadonlySet<number> = new Set([1048, 1153, 1264, 1265, 1292, 1366, 1406]);
/** About accounts and databases: what they say helps whoever set the URL, and holds no value. */
const REFUSED_ACCESS: ReadonlySet<number> = new Set([1044, 1045, 1049, 1698]);

const driverError = z.object({
  code: z.string().default('unknown'),
  errno: z.number().default(0),
  message: z.string().default(''),
});

/** The one place where errors of the driver become ours. drizzle wraps them in one that quotes the whole statement. */
export function historyError(thrown: unknown): HistoryError {
  if (thrown instanceof HistoryError) return thrown;
  const { code, errno, message } = innermost(thrown);
  if (REFUSED_VALUES.has(errno)) {
    return new HistoryError('Rejected', `the database refuses a value (${code})`);
  }
  // Errors of the server are positive, those of the network negative or without a number.
  const words = errno > 0 && !REFUSED_ACCESS.has(errno) ? code : `${code}: ${message}`;
  return new HistoryError('Unavailable', `the database is not available (${words})`);
}

function innermost(thrown: unknown): z.infer<typeof driverError> {
  if (thrown instanceof Error && thrown.cause !== undefined) return innermost(thrown.cause);
  const parsed = driverError.safeParse(thrown);
  return parsed.success ? parsed.data : { code: 'unknown', errno: 1, message: '' };
}
