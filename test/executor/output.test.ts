import { EXECUTOR_LIMITS, type OutputEvent } from '../../executor/contract.ts';
import { LIMITS } from '../../crds/limits.ts';
import { type TestSandbox, startSandbox } from './sandbox.ts';
import { openStream } from './calls.ts';

let sandbox: TestSandbox;
beforeAll(async () => {
  sandbox = await startSandbox();
});
afterAll(() => sandbox.close());

describe('the limits', () => {
  it('are those that the control plane promises', () => {
    expect(EXECUTOR_LIMITS).toMatchObject({
      outputBytes: LIMITS.outputBytes,
      returnValueBytes: LIMITS.returnValueBytes,
    });
  });
});

describe('captured output', () => {
  it('is whole for a thousand lines', async () => {
    const state = await sandbox.run({
      code: 'for i in range(1000): print(f"line {i:04} " + "x" * 50)',
    });
    expect(state.stdout).toMatchObject({ bytes: 61_000, truncated: false });
    expect(state.stdout.text.split('\n')).toHaveLength(1_001);
  });

  it('keeps NUL and emoji and replaces what is no UTF-8', async () => {
    const state = await sandbox.run({
      code: 'import os\nos.write(1, b"a\\0\\xff" + "🚀".encode())\nos.write(2, bytes(range(256)))',
    });
    expect(state.stdout).toEqual({ text: 'a\0\uFFFD🚀', bytes: 7, truncated: false });
    expect(state.stderr.bytes).toBe(256);
  });

  it('keeps head and tail of a gigabyte, in bounded memory and time', async () => {
    const state = await sandbox.run({
      language: 'shell',
      code: 'echo first; head -c 1000000000 /dev/zero; echo last',
      timeoutMs: 50_000,
    });
    expect(state).toMatchObject({
      phase: 'Completed',
      stdout: { bytes: 1_000_000_011, truncated: true },
    });
    expect(state.stdout.text.slice(0, 6)).toBe('first\n');
    expect(state.stdout.text.slice(-6)).toBe('\0last\n'.slice(-6));
    expect(Buffer.byteLength(JSON.stringify(state.stdout.text))).toBeLessThanOrEqual(
      LIMITS.outputBytes + 2,
    );
    // Itself only: VmRSS of the executor and the launcher, who cannot be looked into but by their size.
    const sizes = await sandbox.run({
      language: 'shell',
      code: 'for p in 1 $PPID; do grep VmHWM /proc/$p/status; done',
    });
    const peaks = [...sizes.stdout.text.matchAll(/(\d+) kB/g)].map(([, kB]) => Number(kB));
    expect(peaks).toHaveLength(2);
    expect(Math.max(...peaks)).toBeLessThan(200_000);
  }, 60_000);

  it('has all that was printed when the process ended, also without newline and unflushed', async () => {
    const state = await sandbox.run({
      code: 'import os\nprint("a", end="")\nprint("b" * 100000, end="")\nos.kill(os.getpid(), 9)',
    });
    expect(state.stdout.bytes).toBe(100_001);
  });
});

describe('the event stream', () => {
  const start = async (id: string, code: string): Promise<void> => {
    await sandbox.client.run(
      sandbox.target,
      id,
      { language: 'python', code, event: {}, timeoutMs: 30_000, env: {} },
      { waitMs: 0 },
    );
  };
  const all = async (id: string, from = 0): Promise<OutputEvent[]> => {
    const events: OutputEvent[] = [];
    for await (const event of openStream(sandbox, id, from)) events.push(event);
    return events;
  };
  const text = (events: readonly OutputEvent[]): string =>
    events.map((event) => ('data' in event ? event.data : '')).join('');

  it('tells of output while the run goes on, and of its end', async () => {
    const wait =
      'import os, time\nos.write(1, b"one\\n")\nwhile not os.path.exists("go-on"): time.sleep(0.01)\nprint("two")';
    await start('live', wait);
    const events = openStream(sandbox, 'live', 0);
    const first: OutputEvent[] = [];
    while (text(first) !== 'one\n') {
      const { value } = await events.next();
      if (value === undefined) throw new Error(`it ended after ${text(first)}`);
      first.push(value);
    }
    expect(first[0]).toMatchObject({ n: 0, type: 'stdout' });
    await sandbox.run({ language: 'shell', code: 'touch go-on' });
    const rest: OutputEvent[] = [];
    for await (const event of events) rest.push(event);
    expect(text(rest)).toBe('two\n');
    expect(rest.at(-1)).toMatchObject({ type: 'end', phase: 'Completed' });
  });

  it('resumes after the last event that came, without loss or repetition', async () => {
    await start('resumed', 'import time\nfor i in range(20):\n    print(i)\n    time.sleep(0.005)');
    const seen: OutputEvent[] = [];
    while (seen.at(-1)?.type !== 'end') {
      for await (const event of openStream(sandbox, 'resumed', (seen.at(-1)?.n ?? -1) + 1)) {
        seen.push(event);
        break;
      }
    }
    expect(seen.map(({ n }) => n)).toEqual(seen.map((_, index) => index));
    expect(text(seen)).toBe(Array.from({ length: 20 }, (_, i) => `${String(i)}\n`).join(''));
  });

  it('is the same again after the end', async () => {
    await start('again', 'print("x")');
    const first = await all('again');
    expect(await all('again')).toEqual(first);
    expect(await all('again', first.length - 1)).toEqual(first.slice(-1));
  });

  it('of a run that is yet to be started waits for it', async () => {
    const later = (async () => {
      const events: OutputEvent[] = [];
      for await (const event of openStream(sandbox, 'later', 0, 30_000)) events.push(event);
      return events;
    })();
    await start('before', 'print("x")');
    await all('before');
    await start('later', 'print("came")');
    expect(text(await later)).toBe('came\n');
  });

  it('hands on large writes in pieces that are small also as JSON, without breaking a character', async () => {
    await start('pieces', 'import os\nfor _ in range(9): os.write(1, ("\\0é🚀" * 3000).encode())');
    const events = await all('pieces');
    expect(text(events)).toBe('\0é🚀'.repeat(27_000));
    const sizes = events.map((event) => Buffer.byteLength(JSON.stringify(event)));
    expect(Math.max(...sizes)).toBeLessThan(32_000);
  });

  it('lets a slow reader miss the middle rather than hold up the run', async () => {
    const id = 'slow';
    await start(id, 'import sys\nfor i in range(300): sys.stdout.write("x" * 65535 + "\\n")');
    const events = openStream(sandbox, id, 0);
    const first = await events.next();
    const state = await sandbox.client.state(sandbox.target, id, { waitMs: 30_000 });
    expect(state).toMatchObject({ phase: 'Completed', stdout: { bytes: 300 * 65_536 } });
    // On a busy machine a reader may come so late that it is the beginning that it misses.
    const seen: OutputEvent[] = first.done === true ? [] : [first.value];
    for await (const event of events) seen.push(event);
    expect(seen.some(({ type }) => type === 'gap')).toBe(true);
    expect(seen.at(-1)?.type).toBe('end');
  });

  it('of an unknown run is not found', async () => {
    await expect(all('none')).rejects.toMatchObject({ code: 'NotFound' });
    await expect(openStream(sandbox, 'none', 0, 10).next()).rejects.toMatchObject({
      code: 'NotFound',
    });
  });
});
