import type { Logger } from '../../kube/logger.ts';

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** A logger that keeps its lines for a test to read. */
export class FakeLogger implements Logger {
  readonly lines: LogLine[];
  readonly #fields: object;

  constructor(lines: LogLine[] = [], fields: object = {}) {
    this.lines = lines;
    this.#fields = fields;
  }

  debug(message: string, fields?: object): void {
    this.#log('debug', message, fields);
  }

  info(message: string, fields?: object): void {
    this.#log('info', message, fields);
  }

  warn(message: string, fields?: object): void {
    this.#log('warn', message, fields);
  }

  error(message: string, fields?: object): void {
    this.#log('error', message, fields);
  }

  child(fields: object): FakeLogger {
    return new FakeLogger(this.lines, { ...this.#fields, ...fields });
  }

  /** The messages of one level, in order. */
  at(level: LogLine['level']): readonly string[] {
    return this.lines.filter((line) => line.level === level).map((line) => line.message);
  }

  #log(level: LogLine['level'], message: string, fields: object = {}): void {
    this.lines.push({ level, message, fields: { ...this.#fields, ...fields } });
  }
}
