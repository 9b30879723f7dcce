import type { Execution } from '../../crds/execution.ts';
import type { Sandbox } from '../../crds/sandbox.ts';
import type { SandboxTemplate } from '../../crds/sandbox-template.ts';

/** An object and the table that keeps it. */
export type Subject =
  | { readonly table: 'sandboxes'; readonly object: Sandbox }
  | { readonly table: 'templates'; readonly object: SandboxTemplate }
  | { readonly table: 'executions'; readonly object: Execution };

/** What has to be written about one object: its last state, however often it changed meanwhile. */
export interface Entry {
  readonly subject: Subject;
  readonly sequence: number;
  readonly expired: boolean;
  readonly gone: boolean;
  /** Since when, by the monotonic clock, its row is behind. */
  readonly since: number;
}

/** What changed, besides the object itself. */
export interface News {
  readonly expired?: boolean;
  readonly gone?: boolean;
}

/** Of one statement: what a server takes by default (max_allowed_packet is 16 MiB), with room for escaping. */
const BATCH_CHARACTERS = 3_000_000;
const BATCH_ENTRIES = 200;
/**
 * Living objects are in the caches anyway; what is gone is kept here alone until it is written. During an outage only people delete (a TTL waits for its row),
 * and what a person deleted is not shown again: so beyond this its contents are let go, and beyond that the entry, whose row is closed later all the same.
 */
const GONE_CHARACTERS = 64_000_000;
const GONE_ENTRIES = 50_000;

/** Everything that still has to be written, one entry per object, the longest waiting first. */
export class Backlog {
  readonly #entries = new Map<string, Entry>();
  readonly #wakers = new Set<() => void>();
  #sequence = 0;
  #gone = 0;
  #goneCharacters = 0;
  #dropped = 0;

  get size(): number {
    return this.#entries.size;
  }

  /** How many last states were given up. */
  get dropped(): number {
    return this.#dropped;
  }

  /** Since when the longest waiting waits. */
  get oldest(): number | undefined {
    const [first] = this.#entries.values();
    return first?.since;
  }

  has(uid: string): boolean {
    return this.#entries.has(uid);
  }

  nextSequence(): number {
    this.#sequence += 1;
    return this.#sequence;
  }

  note(subject: Subject, now: number, news: News = {}): void {
    const { uid } = subject.object.metadata;
    const earlier = this.#entries.get(uid);
    const entry = this.#entryOf(subject, news, { ...earlier, since: earlier?.since ?? now });
    this.#discount(earlier);
    if (entry.gone && this.#gone >= GONE_ENTRIES) {
      this.#entries.delete(uid);
      this.#dropped += 1;
      return;
    }
    // A Map keeps the place of a key: what changes all the time keeps its turn.
    this.#entries.set(uid, entry);
    this.#count(entry);
    for (const wake of this.#wakers) wake();
  }

  #entryOf(
    subject: Subject,
    { expired = false, gone = false }: News,
    earlier: Partial<Entry> & Pick<Entry, 'since'>,
  ): Entry {
    return {
      subject: gone && this.#goneCharacters > GONE_CHARACTERS ? withoutContents(subject) : subject,
      sequence: this.nextSequence(),
      expired: expired || earlier.expired === true,
      gone,
      since: earlier.since,
    };
  }

  /** The next to write; they stay until they are settled. */
  batch(): readonly Entry[] {
    const batch: Entry[] = [];
    let characters = 0;
    for (const entry of this.#entries.values()) {
      characters += charactersOf(entry.subject);
      if (batch.length > 0 && characters > BATCH_CHARACTERS) break;
      batch.push(entry);
      if (batch.length === BATCH_ENTRIES) break;
    }
    return batch;
  }

  /** They are written. What changed since then stays. */
  settle(written: readonly Entry[], now: number): void {
    for (const entry of written) {
      const { uid } = entry.subject.object.metadata;
      const current = this.#entries.get(uid);
      if (current === undefined) continue;
      this.#entries.delete(uid);
      if (current === entry) this.#discount(entry);
      else this.#entries.set(uid, { ...current, since: now });
    }
  }

  /** Resolves when there is something to write, or when `signal` aborts. */
  async whenFilled(signal: AbortSignal): Promise<void> {
    if (this.size > 0 || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        this.#wakers.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#wakers.add(wake);
      signal.addEventListener('abort', wake, { once: true });
    });
  }

  #count({ gone, subject }: Entry): void {
    if (!gone) return;
    this.#gone += 1;
    this.#goneCharacters += charactersOf(subject);
  }

  #discount(entry: Entry | undefined): void {
    if (entry?.gone !== true) return;
    this.#gone -= 1;
    this.#goneCharacters -= charactersOf(entry.subject);
  }
}

/** About how long it is as JSON, without making the JSON of its long texts. */
function charactersOf({ table, object }: Subject): number {
  const env = lengthOfEnv(object.spec.env);
  return table === 'executions' ? REST + env + contentsOf(object) : REST + env;
}

const REST = 2_000;

function contentsOf({ spec, status = {} }: Execution): number {
  const { stdout, stderr, returnValue = null } = status;
  const output = (stdout?.text.length ?? 0) + (stderr?.text.length ?? 0);
  return spec.code.length + output + JSON.stringify([spec.event, returnValue]).length;
}

function lengthOfEnv(env: readonly { readonly value?: string | undefined }[]): number {
  return env.reduce((sum, { value = '' }) => sum + value.length, 0);
}

function withoutContents(subject: Subject): Subject {
  if (subject.table !== 'executions') return subject;
  const { spec, status, ...rest } = subject.object;
  const { stdout: _out, stderr: _err, returnValue: _value, ...end } = status ?? {};
  const bare = { ...spec, code: '(not kept)', event: {}, env: [] };
  return { table: 'executions', object: { ...rest, spec: bare, status: end } };
}
