import { mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { jest } from '@jest/globals';
import type { FinalState } from '../../executor/contract.ts';
import { startAndHear } from './calls.ts';
import { type RunInput, type TestSandbox, startSandbox } from './sandbox.ts';

jest.setTimeout(60_000);

let sandbox: TestSandbox;
beforeAll(async () => {
  sandbox = await startSandbox();
});
afterAll(() => sandbox.close());

const shell = (code: string, timeoutMs = 20_000): RunInput => ({
  language: 'shell',
  code,
  timeoutMs,
});
const python = (code: string, timeoutMs = 20_000): RunInput => ({
  language: 'python',
  code,
  timeoutMs,
});
const javascript = (code: string, timeoutMs = 20_000): RunInput => ({
  language: 'javascript',
  code,
  timeoutMs,
});

/** Processes of the sandbox as a run sees them: PID 1, the launcher, the spares and itself are all there may be. */
async function strangers(): Promise<string[]> {
  const code = [
    'import os',
    'def handler(event):',
    '    me, launcher = os.getpid(), os.getppid()',
    '    found = []',
    '    for pid in filter(str.isdigit, os.listdir("/proc")):',
    '        try: state = open(f"/proc/{pid}/stat").read().rpartition(")")[2].split(); line = open(f"/proc/{pid}/cmdline").read()',
    '        except OSError: continue',
    '        if int(pid) in (1, me, launcher) or "launcher.py" in line or "node-runner.mjs" in line: continue',
    '        if line == "" and state[0] != "Z" and int(state[1]) == launcher: continue  # a spare that is becoming Node.js',
    '        found.append(f"{state[0]} {state[1]} {line}")',
    '    return found',
  ].join('\n');
  return (await sandbox.run(python(code))).returnValue as string[];
}

const worksOn = async (): Promise<void> => {
  const state = await sandbox.run(python('def handler(event): return "works"'));
  expect(state).toMatchObject({ phase: 'Completed', returnValue: 'works' });
};

describe('a timeout', () => {
  it.each<[string, RunInput]>([
    ['Python', python('import time\nprint("part", end="")\ntime.sleep(60)', 500)],
    ['JavaScript', javascript('process.stdout.write("part"); while (true);', 500)],
    ['Shell', shell('printf part; sleep 60', 500)],
    [
      'what ignores every signal it can',
      python(
        'import signal, time\nfor s in range(1, 32):\n    if s not in (9, 19): signal.signal(s, signal.SIG_IGN)\nprint("part", end="")\ntime.sleep(60)',
        500,
      ),
    ],
    [
      'a run that stops itself',
      python('import os\nprint("part", end="")\nos.kill(os.getpid(), 19)', 500),
    ],
  ])('ends %s in time, and what it printed is kept', async (_, input) => {
    const state = await sandbox.run(input);
    expect(state).toMatchObject({
      phase: 'TimedOut',
      reason: 'Timeout',
      exitCode: 124,
      stdout: { text: 'part' },
    });
    expect(state.metrics.durationMs).toBeGreaterThanOrEqual(500);
    expect(await strangers()).toEqual([]);
  });

  it('ends a child that outlives its parents in a session of its own', async () => {
    await sandbox.run(
      shell('(setsid sh -c "(setsid sleep 1000 &) ; sleep 1000" &) ; sleep 60', 300),
    );
    expect(await strangers()).toEqual([]);
  });
});

describe('the end of a run is the end of', () => {
  it.each<[string, RunInput]>([
    ['its background processes', shell('sleep 1000 & sleep 1000 & echo done')],
    [
      'what double-forked and left the session',
      python(
        'import os, time\nif os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        os.closerange(0, 100)\n        time.sleep(1000)\n    os._exit(0)\nprint("done")',
      ),
    ],
    [
      'what gave up being caught by its run',
      python(
        'import ctypes, os, time\nctypes.CDLL(None).prctl(36, 0, 0, 0, 0)\nif os.fork() == 0:\n    if os.fork() == 0: time.sleep(1000)\n    os._exit(0)\ntime.sleep(0.1)\nprint("done")',
      ),
    ],
    [
      'a deep chain of processes',
      shell(
        'chain() { if [ $1 -gt 0 ]; then sh -c "sleep 1000" & chain $(($1 - 1)) & fi; wait; }; chain 20 & sleep 0.3; echo done',
      ),
    ],
    [
      'a server left by JavaScript',
      javascript(
        'require("child_process").spawn("sleep", ["1000"], { detached: true, stdio: "ignore" }).unref(); require("net").createServer().listen(0); exports.handler = () => console.log("done")',
      ),
    ],
  ])('%s', async (_, input) => {
    expect(await sandbox.run(input)).toMatchObject({
      phase: 'Completed',
      stdout: { text: 'done\n' },
    });
    expect(await strangers()).toEqual([]);
  });

  it('no process of another run', async () => {
    const long = sandbox.run(shell('(sleep 1.5; echo from within) & wait; echo end'));
    for (let i = 0; i < 20; i++) await sandbox.run(shell('sleep 1000 & true'));
    expect(await long).toMatchObject({
      phase: 'Completed',
      stdout: { text: 'from within\nend\n' },
    });
  });
});

describe('no zombies stay', () => {
  it('of many runs that leave children behind', async () => {
    for (let i = 0; i < 20; i++) await sandbox.run(shell('for i in 1 2 3 4 5; do (true &) ; done'));
    expect(await strangers()).toEqual([]);
  });
});

describe('a run that', () => {
  it.each<[string, RunInput, Partial<FinalState>]>([
    [
      'kills itself',
      python('import os\nos.kill(os.getpid(), 9)'),
      { phase: 'Failed', reason: 'Signal', exitCode: 137, signal: 'SIGKILL' },
    ],
    [
      'is killed by its child',
      shell('sh -c "kill -9 $$"; sleep 10'),
      { phase: 'Failed', reason: 'Signal', exitCode: 137 },
    ],
    [
      'crashes',
      python('import ctypes\nctypes.string_at(0)'),
      { phase: 'Failed', reason: 'Signal', exitCode: 139, signal: 'SIGSEGV' },
    ],
    [
      'aborts',
      javascript('process.abort()'),
      { phase: 'Failed', reason: 'Signal', exitCode: 134, signal: 'SIGABRT' },
    ],
    [
      'exits with what a shell says of a signal',
      shell('exit 137'),
      { phase: 'Failed', reason: 'NonZeroExit', exitCode: 137 },
    ],
    [
      'closes every descriptor',
      python('import os\nos.closerange(0, 1000)\ndef handler(event): return 1'),
      { phase: 'Failed', reason: 'NonZeroExit', exitCode: 1 },
    ],
    [
      'closes every descriptor and has nothing to return',
      python('import os\nos.closerange(0, 1000)'),
      { phase: 'Completed', exitCode: 0 },
    ],
    [
      'closes every descriptor, its loop too (JavaScript)',
      javascript(
        'const fs = require("fs"); for (let fd = 0; fd < 100; fd++) try { fs.closeSync(fd) } catch {}\nexports.handler = () => 1',
      ),
      { phase: 'Failed', reason: 'Signal', signal: 'SIGABRT' },
    ],
    [
      'writes nonsense in place of its result',
      python('import os\nos.write(4, b"Vnonsense")'),
      { phase: 'Failed', reason: 'ReturnValueNotSerializable', exitCode: 1 },
    ],
    [
      'floods its result',
      python('import os\nfor _ in range(1000): os.write(4, b"V" * 65536)'),
      { phase: 'Failed', reason: 'ReturnValueNotSerializable', exitCode: 1 },
    ],
    [
      'kills all it can',
      shell('kill -9 -1; sleep 10'),
      { phase: 'Failed', reason: 'Signal', exitCode: 137 },
    ],
    [
      'kills the launcher',
      python('import os, time\nos.kill(os.getppid(), 9)\ntime.sleep(10)'),
      { phase: 'Failed', reason: 'Signal', exitCode: 137 },
    ],
    [
      'terminates the launcher, which is deaf to it',
      python(
        'import os, signal\nfor s in (1, 2, 3, 10, 12, 14, 15): os.kill(os.getppid(), s)\ndef handler(event): return 1',
      ),
      { phase: 'Completed', returnValue: 1 },
    ],
    [
      'stops the launcher',
      python('import os\nos.kill(os.getppid(), 19)\nprint("on")\ndef handler(event): return 1'),
      { phase: 'Completed', returnValue: 1 },
    ],
    [
      'stops all it can',
      shell('kill -STOP -1; echo on'),
      { phase: 'Completed', stdout: { text: 'on\n', bytes: 3, truncated: false } },
    ],
  ])('%s ends with the right reason, and the next run works', async (_, input, expected) => {
    expect(await sandbox.run(input)).toMatchObject(expected);
    await worksOn();
    expect(await strangers()).toEqual([]);
  });

  it('forks endlessly ends at its timeout, and the next run works', async () => {
    const state = await sandbox.run(
      python('import os\nwhile True:\n    try: os.fork()\n    except OSError: pass', 1_000),
    );
    expect(state).toMatchObject({ phase: 'TimedOut', reason: 'Timeout' });
    await worksOn();
    expect(await strangers()).toEqual([]);
  });

  it('keeps the launcher stopped is cut off, and the next run works', async () => {
    const state = await sandbox.run(
      python('import os\nlauncher = os.getppid()\nwhile True: os.kill(launcher, 19)', 1_000),
    );
    expect(state).toMatchObject({ phase: 'TimedOut', reason: 'Timeout', exitCode: 124 });
    expect(state.metrics.durationMs).toBeLessThan(4_000);
    await worksOn();
    expect(await strangers()).toEqual([]);
  });

  it('has others beside it takes them along when it kills all it can', async () => {
    const other = await startAndHear(sandbox, 'beside', shell('echo before; sleep 30', 40_000));
    await sandbox.run(shell('kill -9 -1'));
    expect(await other()).toMatchObject({
      phase: 'Failed',
      reason: 'Signal',
      exitCode: 137,
      stdout: { text: 'before\n' },
    });
    await worksOn();
  });

  it('is cancelled ends at once', async () => {
    const id = 'cancelled';
    const over = await startAndHear(sandbox, id, shell('echo part; sleep 60', 50_000));
    await sandbox.client.cancel(sandbox.target, id);
    const state = await over();
    expect(state).toMatchObject({
      phase: 'Cancelled',
      reason: 'Cancelled',
      exitCode: 137,
      stdout: { text: 'part\n' },
    });
    expect(await sandbox.client.cancel(sandbox.target, id)).toEqual(state);
    expect(await strangers()).toEqual([]);
  });
});

describe('many runs at once', () => {
  it('do not wait for each other', async () => {
    const started = performance.now();
    const states = await Promise.all(
      Array.from({ length: 10 }, () => sandbox.run(shell('sleep 2'))),
    );
    expect(states.map(({ phase }) => phase)).toEqual(states.map(() => 'Completed'));
    expect(performance.now() - started).toBeLessThan(15_000);
  });
});

/** The kernel lets go of a group only once its last process is wholly gone. */
async function removeGroup(path: string): Promise<void> {
  for (let tries = 0; tries < 500; tries++) {
    try {
      rmdirSync(path);
      return;
    } catch {
      await sleep(10);
    }
  }
  throw new Error(`${path} stays busy`);
}

describe('in control groups', () => {
  const group = (controller: string): string =>
    `/sys/fs/cgroup/${controller}/executor-test-${String(process.pid)}`;
  const LIMITS = {
    memory: ['memory.limit_in_bytes', '300000000'],
    pids: ['pids.max', '64'],
  } as const;

  it('what eats all memory or all processes ends with the right reason, and the next run works', async () => {
    for (const [controller, [file, value]] of Object.entries(LIMITS)) {
      mkdirSync(group(controller), { recursive: true });
      writeFileSync(`${group(controller)}/${file}`, value);
    }
    const enter = Object.keys(LIMITS).map(
      (controller) => `echo $$ > ${group(controller)}/cgroup.procs`,
    );
    const limited = await startSandbox({
      wrapper: ['sh', '-c', `${enter.join(' && ')} && exec "$@"`, 'sh'],
      binds: [[group('memory'), '/sys/fs/cgroup/memory']],
    });
    try {
      const OOM = { phase: 'Failed', reason: 'OOMKilled', exitCode: 137 };
      expect(
        await limited.run(
          python(
            'x = b"x" * 10_000_000_000 if False else [bytearray(b"x" * 10_000_000) for _ in range(1000)]',
          ),
        ),
      ).toMatchObject(OOM);
      expect(
        await limited.run(javascript('const x = []; for (;;) x.push(Buffer.alloc(10_000_000, 1))')),
      ).toMatchObject(OOM);
      expect(
        await limited.run(
          shell('python3 -c \'x = [bytearray(b"x" * 10000000) for _ in range(1000)]\''),
        ),
      ).toMatchObject(OOM);
      expect(await limited.run(python('import os\nos.kill(os.getpid(), 9)'))).toMatchObject({
        reason: 'Signal',
        exitCode: 137,
      });
      const bomb = shell('bomb() { bomb | bomb & }; bomb; sleep 60', 2_000);
      expect(await limited.run(bomb)).toMatchObject({ phase: 'TimedOut', reason: 'Timeout' });
      expect((await limited.run(python('def handler(event): return 1'))).returnValue).toBe(1);
      const full = python(
        'import os, time\ntry:\n    while True:\n        if os.fork() == 0: time.sleep(60)\nexcept OSError: print("full", flush=True)\ntime.sleep(60)',
        3_000,
      );
      const filled = await startAndHear(limited, 'full', full);
      expect(await limited.run(shell('echo no'))).toMatchObject({
        phase: 'Crashed',
        reason: 'ExecutorLost',
        exitCode: -1,
      });
      expect(await filled()).toMatchObject({ reason: 'Timeout', stdout: { text: 'full\n' } });
      expect((await limited.run(shell('echo yes'))).stdout.text).toBe('yes\n');
    } finally {
      await limited.close();
      for (const controller of Object.keys(LIMITS)) await removeGroup(group(controller));
    }
  });
});
