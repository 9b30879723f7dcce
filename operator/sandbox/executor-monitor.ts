import pLimit from 'p-limit';
import type { ExecutorClient, ExecutorTarget } from '../../executor/client.ts';
import type { Health } from '../../executor/contract.ts';
import type { Clock } from '../../kube/clock.ts';
import { sleep } from '../../kube/sleep.ts';
import { timeOf } from '../timestamp.ts';

/** What is known of the executor in one pod. Held in memory only: whoever needs it asks again. */
export interface ExecutorView {
  /** When it last answered. */
  readonly answeredAt?: number;
  /** Since when no question was answered; absent while it answers. */
  readonly silentSince?: number;
  /** It answers, but its pod still reaches what its NetworkPolicy forbids: it takes no run yet. */
  readonly hasOpenNetwork?: boolean;
  readonly activity?: ExecutorActivity;
  readonly usage?: ExecutorUsage;
}

/** What its pod uses, as it says itself. */
export interface ExecutorUsage {
  readonly askedAt: number;
  /** Since its pod began. */
  readonly cpuMs: number;
  readonly memoryBytes: number;
  /** Cores, since it was asked the last time; absent after the first. */
  readonly cores?: number;
}

export interface ExecutorActivity {
  readonly askedAt: number;
  readonly lastActivityAt: number;
  /** Executions running when it was asked. */
  readonly running: number;
}

export interface ExecutorMonitorOptions {
  readonly executor: Pick<ExecutorClient, 'health' | 'activity'>;
  readonly clock: Clock;
  /** Says "look at this sandbox again". */
  readonly enqueue: (key: string) => void;
}

/** A starting executor is asked often, a silent one ever less so. */
const FIRST_RETRY_MS = 15;
const LONGEST_RETRY_MS = 250;
const PATIENT_RETRY_MS = 1_000;
const PATIENT_AFTER = 20;

/**
 * So many questions are under way at once: each costs a connection, its buffers and a signature, some 50 KiB, and an operator that has just begun has one for every sandbox.
 * What a start or a deadline waits for is asked beside the questions whether an executor still answers, not behind them.
 */
const QUESTIONS_AT_ONCE = { awaited: 256, others: 128 };

export type Urgency = keyof typeof QUESTIONS_AT_ONCE;

class Entry {
  view: ExecutorView = {};
  readonly asking = new Set<'health' | 'activity'>();
  readonly controller = new AbortController();
}

/**
 * Asks executors for their health and activity outside the reconcile workers, which a slow answer must not hold up,
 * and has the sandbox reconciled when an answer, or the first silence, is in.
 */
export class ExecutorMonitor {
  readonly #options: ExecutorMonitorOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #turns = {
    awaited: pLimit(QUESTIONS_AT_ONCE.awaited),
    others: pLimit(QUESTIONS_AT_ONCE.others),
  };

  constructor(options: ExecutorMonitorOptions) {
    this.#options = options;
  }

  view(podUID: string): ExecutorView {
    return this.#entries.get(podUID)?.view ?? {};
  }

  /** Whether its executor was ever asked, and is still of interest. */
  knows(podUID: string): boolean {
    return this.#entries.has(podUID);
  }

  /** Asks until there is an answer; does nothing if that goes on already. One that is `awaited` and silent for long has its turn among the others. */
  askHealth(key: string, target: ExecutorTarget, urgency: Urgency = 'others'): void {
    const entry = this.#entry(target.podUID);
    if (entry.asking.has('health')) return;
    entry.asking.add('health');
    void this.#askUntilAnswered({ key, target, urgency }, entry).finally(() =>
      entry.asking.delete('health'),
    );
  }

  /** Asks once. */
  askActivity(key: string, target: ExecutorTarget): void {
    const entry = this.#entry(target.podUID);
    if (entry.asking.has('activity')) return;
    entry.asking.add('activity');
    void this.#askForActivity(key, target, entry).finally(() => entry.asking.delete('activity'));
  }

  /** Takes over what somebody else was told by this pod's executor. */
  adopt(podUID: string, view: ExecutorView): void {
    this.#entry(podUID).view = view;
  }

  /** Stops asking the executor of a pod that is gone or going. */
  forget(podUID: string): void {
    this.#entries.get(podUID)?.controller.abort();
    this.#entries.delete(podUID);
  }

  stop(): void {
    for (const podUID of [...this.#entries.keys()]) this.forget(podUID);
  }

  #entry(podUID: string): Entry {
    const entry = this.#entries.get(podUID) ?? new Entry();
    this.#entries.set(podUID, entry);
    return entry;
  }

  async #askUntilAnswered({ key, target, urgency }: Question, entry: Entry): Promise<void> {
    const { executor, clock } = this.#options;
    const { signal } = entry.controller;
    for (let attempt = 0; !signal.aborted; attempt += 1) {
      const turns = this.#turns[attempt < PATIENT_AFTER ? urgency : 'others'];
      try {
        const { network, usage } = await turns(() => executor.health(target, signal));
        if (network === 'closed') {
          this.#noteAnswer(key, entry, usage);
          return;
        }
        this.#noteOpenNetwork(key, entry);
      } catch {
        // Whatever is wrong with it: one that cannot be heard for long is of no use to its sandbox.
        this.#noteSilence(key, entry);
      }
      await sleep(clock, retryDelayMs(attempt), signal);
    }
  }

  async #askForActivity(key: string, target: ExecutorTarget, entry: Entry): Promise<void> {
    const { executor, clock, enqueue } = this.#options;
    try {
      const { askedAt, told } = await this.#turns.awaited(async () => ({
        askedAt: clock.now(),
        told: await executor.activity(target, entry.controller.signal),
      }));
      const lastActivityAt = timeOf(told.lastActivityAt) ?? 0;
      const activity = { askedAt, lastActivityAt, running: told.runningExecutions };
      const { usage } = entry.view;
      entry.view = { answeredAt: clock.now(), activity, ...(usage && { usage }) };
      enqueue(key);
    } catch {
      this.#noteSilence(key, entry);
    }
  }

  #noteAnswer(key: string, entry: Entry, told: Health['usage']): void {
    const { activity, usage: before } = entry.view;
    const answeredAt = this.#options.clock.now();
    const usage = told && usageSince(before, { ...told, askedAt: answeredAt });
    entry.view = { answeredAt, ...(activity && { activity }), ...(usage && { usage }) };
    this.#options.enqueue(key);
  }

  #noteOpenNetwork(key: string, entry: Entry): void {
    if (entry.view.hasOpenNetwork === true) return;
    entry.view = { hasOpenNetwork: true };
    this.#options.enqueue(key);
  }

  #noteSilence(key: string, entry: Entry): void {
    if (entry.controller.signal.aborted || entry.view.silentSince !== undefined) return;
    entry.view = { ...entry.view, silentSince: this.#options.clock.now() };
    this.#options.enqueue(key);
  }
}

interface Question {
  readonly key: string;
  readonly target: ExecutorTarget;
  readonly urgency: Urgency;
}

function retryDelayMs(attempt: number): number {
  if (attempt >= PATIENT_AFTER) return PATIENT_RETRY_MS;
  return Math.min(FIRST_RETRY_MS * 2 ** attempt, LONGEST_RETRY_MS);
}

function usageSince(before: ExecutorUsage | undefined, now: ExecutorUsage): ExecutorUsage {
  const elapsedMs = now.askedAt - (before?.askedAt ?? now.askedAt);
  if (before === undefined || elapsedMs <= 0) return now;
  return { ...now, cores: Math.max(now.cpuMs - before.cpuMs, 0) / elapsedMs };
}
