import { createLogger as createWinston, format, transports } from 'winston';
import type { Logger as WinstonLogger } from 'winston';
import type { Logger } from './logger.ts';

export interface LoggingOptions {
  /** error, warn, info (the default) or debug. */
  readonly level?: string;
  /** `json`: one object per line, for machines. `text`: for a terminal. */
  readonly format?: 'json' | 'text';
  /** Added to every line. */
  readonly fields?: object;
  /** Default: standard output. */
  readonly destination?: NodeJS.WritableStream;
}

/** A winston logger behind the runtime's `Logger`; an Error in any field is written with its name, message, code, stack and causes. */
export function createLogger(options: LoggingOptions = {}): Logger {
  const {
    level = 'info',
    format: shape = 'json',
    fields = {},
    destination = process.stdout,
  } = options;
  const winston = createWinston({
    level,
    defaultMeta: fields,
    format: format.combine(
      plainErrors(),
      format.timestamp(),
      shape === 'json' ? format.json() : format.printf(textLine),
    ),
    // winston's types do not say that its own transports extend the class that it asks for.
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment
    transports: [new transports.Stream({ stream: destination })],
  });
  return adapt(winston);
}

function adapt(winston: WinstonLogger): Logger {
  // One object instead of (message, fields): winston would append a field named `message` to the message.
  const at = (level: string) => (message: string, fields?: object) => {
    winston.log({ ...fields, level, message });
  };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => adapt(winston.child(fields)),
  };
}

/** JSON.stringify writes an Error as `{}`. */
const plainErrors = format((info) => {
  for (const [key, value] of Object.entries(info)) {
    if (value instanceof Error) info[key] = plainError(value);
  }
  return info;
});

function plainError(error: Error): object {
  const { name, message, stack, cause } = error;
  const code = 'code' in error ? { code: error.code } : {};
  const because =
    cause === undefined ? {} : { cause: cause instanceof Error ? plainError(cause) : cause };
  return { name, message, ...code, stack, ...because };
}

function textLine({ timestamp, level, message, ...fields }: Record<string, unknown>): string {
  const rest = Object.keys(fields).length === 0 ? '' : ` ${JSON.stringify(fields)}`;
  return `${String(timestamp)} ${level === 'info' ? '' : `${String(level).toUpperCase()} `}${String(message)}${rest}`;
}
