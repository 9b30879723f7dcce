import { readFileSync, statSync } from 'node:fs';
import type { Clock } from '../../kube/clock.ts';
import type { Logger } from '../../kube/logger.ts';
import { parseCallers, type Callers } from './callers.ts';

export interface CallersFileOptions {
  readonly path: string;
  readonly namespaces: readonly [string, ...string[]];
  readonly clock: Clock;
  readonly logger: Logger;
}

/** How old what is known may be: a key that was taken out of the file is refused after this long. */
const LOOK_EVERY_MS = 1_000;

/**
 * Those who may call, as their file has them now. It looks again when asked and not by watching: a mounted Secret changes by a
 * symlink several folders up, which watches tell of differently everywhere.
 */
export class CallersFile {
  readonly #options: CallersFileOptions;
  #callers: Callers;
  #version: string;
  #lookedAt: number;

  /** Throws where the file cannot be read or used; later such a file changes nothing. */
  constructor(options: CallersFileOptions) {
    this.#options = options;
    this.#version = versionOf(options.path);
    this.#callers = read(options);
    this.#lookedAt = options.clock.monotonic();
  }

  current(): Callers {
    const { clock, logger, path } = this.#options;
    if (clock.monotonic() - this.#lookedAt < LOOK_EVERY_MS) return this.#callers;
    this.#lookedAt = clock.monotonic();
    try {
      const version = versionOf(path);
      if (version === this.#version) return this.#callers;
      this.#version = version;
      this.#callers = read(this.#options);
      const { keys, tokens } = this.#callers;
      logger.info('callers were read again', { keys: keys.length, tokens: tokens.length });
    } catch (error) {
      logger.error('callers could not be read, those before stay', { error });
    }
    return this.#callers;
  }
}

function read({ path, namespaces }: CallersFileOptions): Callers {
  return parseCallers(readFileSync(path, 'utf8'), namespaces);
}

function versionOf(path: string): string {
  const { ino, size, mtimeNs } = statSync(path, { bigint: true });
  return [ino, size, mtimeNs].join('/');
}
