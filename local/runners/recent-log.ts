import type { LogOptions } from './pod-runner.ts';

interface Line {
  readonly at: number;
  readonly text: string;
}

const KEPT_CHARACTERS = 262_144;

/** The last that a process wrote, line by line; readers may follow it. */
export class RecentLog {
  readonly #now: () => number;
  readonly #kept: number;
  #lines: Line[] = [];
  #characters = 0;
  /** Of all lines ever, the number of the first that is kept. */
  #first = 0;
  #partial = '';
  #over = false;
  readonly #wakeups = new Set<() => void>();

  constructor(now: () => number, kept = KEPT_CHARACTERS) {
    this.#now = now;
    this.#kept = kept;
  }

  push(text: string): void {
    const lines = (this.#partial + text).split('\n');
    this.#partial = lines.pop() ?? '';
    for (const line of lines) this.#add(line);
    if (this.#partial.length > this.#kept) this.#add(this.#takePartial());
    this.#wake();
  }

  end(): void {
    if (this.#partial !== '') this.#add(this.#takePartial());
    this.#over = true;
    this.#wake();
  }

  async *read(options: LogOptions): AsyncGenerator<Buffer> {
    const { tailLines, sinceMs = 0, follow, signal } = options;
    const seen = this.#lines.filter(({ at }) => at >= sinceMs);
    const wanted =
      tailLines === undefined ? seen : seen.slice(Math.max(0, seen.length - tailLines));
    let next = this.#first + this.#lines.length;
    for (const line of wanted) yield textOf(line, options);
    while (follow && !signal.aborted) {
      const fresh = this.#lines.slice(Math.max(0, next - this.#first));
      next = this.#first + this.#lines.length;
      for (const line of fresh) yield textOf(line, options);
      if (fresh.length > 0) continue;
      if (this.#over) return;
      await this.#changed(signal);
    }
  }

  #takePartial(): string {
    const text = this.#partial;
    this.#partial = '';
    return text;
  }

  #add(text: string): void {
    this.#lines.push({ at: this.#now(), text });
    this.#characters += text.length;
    while (this.#characters > this.#kept && this.#lines.length > 1) {
      this.#characters -= this.#lines.shift()?.text.length ?? 0;
      this.#first += 1;
    }
  }

  async #changed(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<undefined>();
    const wake = (): void => {
      resolve(undefined);
    };
    this.#wakeups.add(wake);
    signal.addEventListener('abort', wake, { once: true });
    await promise;
    signal.removeEventListener('abort', wake);
    this.#wakeups.delete(wake);
  }

  #wake(): void {
    for (const wake of [...this.#wakeups]) wake();
  }
}

function textOf({ at, text }: Line, { timestamps }: LogOptions): Buffer {
  return Buffer.from(`${timestamps ? `${new Date(at).toISOString()} ` : ''}${text}\n`);
}
