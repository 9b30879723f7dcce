import type { Clock } from '../kube/clock.ts';
import { startRequest } from './contract.ts';
import { Executions, type RetentionLimits } from './executions.ts';
import type { RunListener } from './launcher.ts';

const request = startRequest.parse({ language: 'python', code: 'x', timeoutMs: 1_000 });
const END = { code: 0, cpuMs: 1, maxRssBytes: 1 };

const problem = (code: string): Error => expect.objectContaining({ code }) as Error;

/** A launcher that does nothing but remember, and a clock that stands until it is moved. */
class World {
  readonly listeners: RunListener[] = [];
  readonly killed: number[] = [];
  restarts = 0;
  time = 0;
  #timers: { at: number; callback: () => void }[] = [];
  readonly executions: Executions;

  constructor(limits: Partial<RetentionLimits> = {}) {
    const clock: Clock = {
      now: () => this.time,
      monotonic: () => this.time,
      schedule: (callback, delayMs) => {
        const timer = { at: this.time + delayMs, callback };
        this.#timers.push(timer);
        return () => {
          this.#timers = this.#timers.filter((other) => other !== timer);
        };
      },
    };
    const launcher = {
      run: (_: object, listener: RunListener) => this.listeners.push(listener) - 1,
      kill: (run: number) => this.killed.push(run),
      restart: () => (this.restarts += 1),
    };
    const context = {
      launcher,
      clock,
      oomKills: () => 0,
      surroundings: (env: Readonly<Record<string, string>>) => ({ env }),
      events: { bytes: 1_000, events: 10 },
      changes: {
        snapshot: new Map(),
        since: () =>
          Promise.resolve({ artifacts: [], artifactsTruncated: false, workspaceChanged: false }),
      },
    };
    this.executions = new Executions(context, {
      running: 2,
      finished: 2,
      finishedBytes: 1_000,
      forgottenIds: 10,
      ...limits,
    });
  }

  pass(ms: number): void {
    this.time += ms;
    const due = this.#timers.filter(({ at }) => at <= this.time);
    this.#timers = this.#timers.filter(({ at }) => at > this.time);
    for (const { callback } of due) callback();
  }

  /** Starts and ends a run that printed `text`. */
  async finish(id: string, text = ''): Promise<void> {
    const execution = this.executions.start(id, request);
    this.listeners.at(-1)?.output('stdout', Buffer.from(text));
    this.listeners.at(-1)?.ended(END);
    await execution.over;
  }
}

describe('executions', () => {
  it('start an id once, however often it is sent, also after its end', async () => {
    const world = new World();
    const first = world.executions.start('a', request);
    expect(world.executions.start('a', request)).toBe(first);
    world.listeners[0]?.ended(END);
    await first.over;
    expect(world.executions.start('a', request)).toBe(first);
    expect(world.listeners).toHaveLength(1);
  });

  it('never run an id again whose outcome is forgotten', async () => {
    const world = new World();
    for (const id of ['a', 'b', 'c']) await world.finish(id);
    expect(world.executions.find('a')).toBeUndefined();
    expect(() => world.executions.start('a', request)).toThrow(problem('Conflict'));
    expect(world.executions.find('b')?.final).toMatchObject({ phase: 'Completed' });
  });

  it('forget outcomes whose texts are too much in sum, but never the newest', async () => {
    const world = new World({ finished: 100 });
    await world.finish('a', 'x'.repeat(400));
    await world.finish('b', 'x'.repeat(800));
    expect([world.executions.find('a'), world.executions.find('b')?.final?.stdout.bytes]).toEqual([
      undefined,
      800,
    ]);
  });

  it('refuse to be too many at once', () => {
    const world = new World();
    world.executions.start('a', request);
    world.executions.start('b', request);
    expect(() => world.executions.start('c', request)).toThrow(problem('Busy'));
  });

  it('are killed when their time is up, and keep what they printed', async () => {
    const world = new World();
    const execution = world.executions.start('a', request);
    world.listeners[0]?.output('stdout', Buffer.from('part'));
    world.pass(999);
    expect(world.killed).toEqual([]);
    world.pass(1);
    expect(world.killed).toEqual([0]);
    world.listeners[0]?.ended({ ...END, code: -9 });
    expect(await execution.over).toMatchObject({
      reason: 'Timeout',
      exitCode: 124,
      stdout: { text: 'part' },
      metrics: { durationMs: 1_000 },
    });
  });

  it('take the launcher with them when a kill has no effect', () => {
    const world = new World();
    world.executions.start('a', request);
    world.pass(1_000);
    world.pass(999);
    expect(world.restarts).toBe(0);
    world.pass(1);
    expect(world.restarts).toBe(1);
  });

  it('are cancelled once, and a finished one stays as it is', async () => {
    const world = new World();
    const execution = world.executions.start('a', request);
    execution.cancel();
    execution.cancel();
    expect(world.killed).toEqual([0]);
    world.listeners[0]?.ended({ ...END, code: -9 });
    expect((await execution.over).phase).toBe('Cancelled');
    await world.finish('b');
    world.executions.find('b')?.cancel();
    expect(world.executions.find('b')?.state().phase).toBe('Completed');
  });

  it('leave no timer behind', async () => {
    const world = new World();
    await world.finish('a');
    world.pass(10_000);
    expect({ killed: world.killed, restarts: world.restarts }).toEqual({ killed: [], restarts: 0 });
  });
});
