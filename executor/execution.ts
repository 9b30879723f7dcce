import type { Clock } from '../kube/clock.ts';
import {
  EXECUTOR_LIMITS,
  type ExecutionState,
  type FinalState,
  type StartRequest,
} from './contract.ts';
import { EventBuffer, type EventLimits } from './event-buffer.ts';
import type { Launcher, RunEnd, RunListener, RunRefusal } from './launcher.ts';
import type { OomKills } from './oom-kills.ts';
import { type EndFacts, decideOutcome } from './outcome.ts';
import { OutputCapture } from './output-capture.ts';
import type { RunChanges, Snapshot, WorkspaceChanges } from './workspace-changes.ts';

export interface Surroundings {
  readonly env: Readonly<Record<string, string>>;
  /** Folder of installed packages. */
  readonly packages?: string;
}

export interface ExecutionContext {
  readonly launcher: Pick<Launcher, 'run' | 'kill' | 'restart'>;
  readonly clock: Clock;
  readonly oomKills: OomKills;
  /** Everything that a run with these variables of its own finds around it. */
  readonly surroundings: (own: Readonly<Record<string, string>>) => Surroundings;
  readonly events: EventLimits;
  readonly changes: Pick<WorkspaceChanges, 'snapshot' | 'since'>;
}

/** How long a killed run may take to be gone before the launcher is taken to be out of order. */
const KILL_PATIENCE_MS = 1_000;

/** One run, from its start to its outcome. */
export class Execution implements RunListener {
  readonly id: string;
  readonly events: EventBuffer;
  readonly #context: ExecutionContext;
  readonly #timeoutMs: number;
  readonly #captures = {
    stdout: new OutputCapture(EXECUTOR_LIMITS.outputBytes),
    stderr: new OutputCapture(EXECUTOR_LIMITS.outputBytes),
  };
  readonly #over = Promise.withResolvers<FinalState>();
  readonly #startedAt: number;
  readonly #oomKillsBefore: number;
  readonly #filesBefore: Snapshot;
  readonly #run: number;
  #result: string | undefined;
  #stoppedBy: 'Timeout' | 'Cancelled' | undefined;
  #isEnding = false;
  #cancelTimer: () => void;
  #final: FinalState | undefined;

  constructor(id: string, request: StartRequest, context: ExecutionContext) {
    this.id = id;
    this.events = new EventBuffer(context.events);
    this.#context = context;
    this.#timeoutMs = request.timeoutMs;
    this.#startedAt = context.clock.now();
    this.#oomKillsBefore = context.oomKills();
    this.#filesBefore = context.changes.snapshot;
    this.#cancelTimer = context.clock.schedule(() => {
      this.#stop('Timeout');
    }, request.timeoutMs);
    const { language, code, event } = request;
    const surroundings = context.surroundings(request.env);
    const deadlineMs = this.#startedAt + request.timeoutMs;
    this.#run = context.launcher.run(
      { language, code, event, ...surroundings, executionId: id, deadlineMs },
      this,
    );
  }

  get final(): FinalState | undefined {
    return this.#final;
  }

  /** Resolves when the outcome is known. */
  get over(): Promise<FinalState> {
    return this.#over.promise;
  }

  state(): ExecutionState {
    return (
      this.#final ?? {
        id: this.id,
        phase: 'Running',
        startedAt: new Date(this.#startedAt).toISOString(),
      }
    );
  }

  cancel(): void {
    this.#stop('Cancelled');
  }

  output(stream: 'stdout' | 'stderr', chunk: Buffer): void {
    this.#captures[stream].push(chunk);
    this.events.push(stream, chunk);
  }

  result(text: string): void {
    this.#result = text;
  }

  ended(end: RunEnd): void {
    this.#finish(
      { kind: 'ended', code: end.code, result: this.#result, oomKilled: this.#wasOomKilled() },
      end,
    );
  }

  refused(refusal: RunRefusal): void {
    this.#finish({ kind: 'refused', ...refusal });
  }

  lost(): void {
    this.#finish({ kind: 'lost', oomKilled: this.#wasOomKilled() });
  }

  #stop(by: 'Timeout' | 'Cancelled'): void {
    if (this.#isEnding || this.#stoppedBy !== undefined) return;
    this.#stoppedBy = by;
    this.#cancelTimer();
    this.#context.launcher.kill(this.#run);
    this.#cancelTimer = this.#context.clock.schedule(() => {
      this.#context.launcher.restart();
    }, KILL_PATIENCE_MS);
  }

  #wasOomKilled(): boolean {
    return this.#context.oomKills() > this.#oomKillsBefore;
  }

  #finish(facts: EndFacts, end?: RunEnd): void {
    this.#cancelTimer();
    this.#isEnding = true;
    const stopped = this.#stoppedBy;
    const outcome = decideOutcome(
      stopped === undefined ? facts : { kind: 'stopped', by: stopped, timeoutMs: this.#timeoutMs },
    );
    const finishedAt = this.#context.clock.now();
    const final: FinalState = {
      id: this.id,
      ...outcome,
      stdout: this.#captures.stdout.result(),
      stderr: this.#captures.stderr.result(),
      metrics: {
        durationMs: Math.max(0, finishedAt - this.#startedAt),
        ...(end && { cpuTimeMs: end.cpuMs, peakMemoryBytes: end.maxRssBytes }),
      },
      startedAt: new Date(this.#startedAt).toISOString(),
      finishedAt: new Date(finishedAt).toISOString(),
    };
    void this.#conclude(final);
  }

  async #conclude(outcome: FinalState): Promise<void> {
    this.#final = { ...outcome, ...(await this.#changes()) };
    this.events.end(outcome.phase);
    this.#over.resolve(this.#final);
  }

  /** The outcome comes in any case; without them it says that files may have changed. */
  async #changes(): Promise<RunChanges | { readonly workspaceChanged: true }> {
    try {
      return await this.#context.changes.since(this.#filesBefore);
    } catch {
      return { workspaceChanged: true };
    }
  }
}
