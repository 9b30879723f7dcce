import type { FinalState } from '../../executor/contract.ts';
import { type RunInput, type TestSandbox, startSandbox } from './sandbox.ts';

let sandbox: TestSandbox;
beforeAll(async () => {
  sandbox = await startSandbox({
    env: { SANDBOX_USER_SESSION: 'session', SANDBOX_USER_BOTH: 'session' },
  });
});
afterAll(() => sandbox.close());

const python = (code: string): RunInput => ({ language: 'python', code });
const javascript = (code: string): RunInput => ({ language: 'javascript', code });
const shell = (code: string): RunInput => ({ language: 'shell', code });

const NAMED = { event: { name: 'Alice' } };

describe('a handler returns', () => {
  it.each<[string, RunInput, unknown]>([
    [
      'of the event (Python)',
      { ...python('def handler(event):\n    return "Hello, " + event["name"]'), ...NAMED },
      'Hello, Alice',
    ],
    [
      'of event and context (Python)',
      python(
        'def handler(event, context):\n    return 0 < context.get_remaining_time_in_millis() <= 20000 and context.execution_id[:3]',
      ),
      'run',
    ],
    [
      'async (Python)',
      python('import asyncio\nasync def handler(event):\n    await asyncio.sleep(0)\n    return 1'),
      1,
    ],
    [
      'async, of event and context (Python)',
      python('async def handler(event, context):\n    return [event, context.aws_request_id[:3]]'),
      [{}, 'run'],
    ],
    ['of neither (Python)', python('def handler():\n    return 1'), 1],
    ['of anything (Python)', python('def handler(*args):\n    return len(args)'), 2],
    [
      'of event, with an option of its own (Python)',
      python('def handler(event, verbose=False):\n    return verbose'),
      false,
    ],
    [
      'that is a method (Python)',
      python('class A:\n    def go(self, event): return 2\nhandler = A().go'),
      2,
    ],
    ['None (Python)', python('def handler(event):\n    pass'), null],
    [
      'of the event (JavaScript)',
      { ...javascript('function handler(event) { return `Hello, ${event.name}` }'), ...NAMED },
      'Hello, Alice',
    ],
    [
      'exported, of event and context (JavaScript)',
      javascript(
        'exports.handler = (event, context) => context.getRemainingTimeInMillis() > 0 && context.awsRequestId.slice(0, 3)',
      ),
      'run',
    ],
    [
      'async (JavaScript)',
      javascript('module.exports.handler = async () => { await null; return 1 }'),
      1,
    ],
    ['module.exports itself (JavaScript)', javascript('module.exports = () => 1'), 1],
    ['const (JavaScript)', javascript('const handler = async (event) => 1'), 1],
    [
      'with a callback (JavaScript)',
      javascript(
        'exports.handler = (event, context, done) => { setTimeout(done, 1, null, { ok: 1 }) }',
      ),
      { ok: 1 },
    ],
    [
      'of a module (JavaScript)',
      javascript('import { sep } from "node:path";\nexport const handler = () => sep'),
      '/',
    ],
    [
      'default of a module (JavaScript)',
      javascript('import "node:path";\nexport default () => 1'),
      1,
    ],
    [
      'after await at top level, with require (JavaScript)',
      javascript(
        'const two = await Promise.resolve(2);\nconst { sep } = require("path");\nfunction handler() { return sep + two }',
      ),
      '/2',
    ],
    [
      'after dynamic import (JavaScript)',
      javascript('exports.handler = async () => (await import("node:path")).sep'),
      '/',
    ],
    [
      'what sloppy mode allows (JavaScript)',
      javascript('exports.handler = () => { implicit = 010; return implicit }'),
      8,
    ],
    ['undefined (JavaScript)', javascript('exports.handler = () => {}'), null],
  ])('%s', async (_, input, value) => {
    const state = await sandbox.run(input);
    expect(state).toMatchObject({
      phase: 'Completed',
      reason: 'Completed',
      exitCode: 0,
      stderr: { text: '' },
    });
    expect(state.returnValue).toEqual(value);
  });

  const FALSY = ['0', '""', '[]', '{}', '0.0'];
  it.each([
    ...FALSY.map((text) => ['python', text] as const),
    ...FALSY.map((text) => ['javascript', text] as const),
  ])('%s %s as it is', async (language, text) => {
    const state = await sandbox.run(
      language === 'python'
        ? python(`def handler(e): return ${text}`)
        : javascript(`exports.handler = () => (${text})`),
    );
    expect(state).toMatchObject({ phase: 'Completed', returnValue: JSON.parse(text) });
  });

  it('false as it is', async () => {
    expect(await sandbox.run(python('def handler(e): return False'))).toMatchObject({
      phase: 'Completed',
      returnValue: false,
    });
    expect(await sandbox.run(javascript('exports.handler = () => false'))).toMatchObject({
      phase: 'Completed',
      returnValue: false,
    });
  });

  it('null for NaN and the infinities, at any depth', async () => {
    const value = { a: [null, null], b: null };
    const code = 'def handler(e): return {"a": [float("nan"), float("inf")], "b": -float("inf")}';
    expect((await sandbox.run(python(code))).returnValue).toEqual(value);
    expect(
      (
        await sandbox.run(
          javascript('exports.handler = () => ({ a: [NaN, Infinity], b: -Infinity })'),
        )
      ).returnValue,
    ).toEqual(value);
  });

  it('what fits in the limit to the last byte, and not a byte more', async () => {
    const code = 'def handler(e): return "x" * e["n"]';
    expect(
      (await sandbox.run({ ...python(code), event: { n: 262_142 } })).returnValue,
    ).toHaveLength(262_142);
    expect(await sandbox.run({ ...python(code), event: { n: 262_143 } })).toMatchObject({
      phase: 'Failed',
      reason: 'ReturnValueTooLarge',
      exitCode: 1,
    });
    expect(
      await sandbox.run(javascript('exports.handler = () => "x".repeat(262143)')),
    ).toMatchObject({ phase: 'Failed', reason: 'ReturnValueTooLarge', exitCode: 1 });
  });

  it.each<[string, RunInput]>([
    ['a set (Python)', python('def handler(e): return {1, 2}')],
    ['itself (Python)', python('a = []\na.append(a)\ndef handler(e): return a')],
    ['an open file (Python)', python('def handler(e): return open("/dev/null")')],
    [
      'far too much depth (Python)',
      python('def handler(e):\n    a = []\n    for _ in range(100000): a = [a]\n    return a'),
    ],
    ['a bigint (JavaScript)', javascript('exports.handler = () => 10n')],
    [
      'itself (JavaScript)',
      javascript('exports.handler = () => { const a = {}; a.a = a; return a }'),
    ],
    ['a function (JavaScript)', javascript('exports.handler = () => () => 1')],
  ])('no JSON, which says so: %s', async (_, input) => {
    const state = await sandbox.run(input);
    expect(state).toMatchObject({
      phase: 'Failed',
      reason: 'ReturnValueNotSerializable',
      exitCode: 1,
    });
    expect(state.stderr.text).toContain('The return value of handler cannot be written as JSON');
    expect('returnValue' in state).toBe(false);
  });

  it('more depth than readers can take, which is refused here', async () => {
    const state = await sandbox.run(
      python('def handler(e):\n    a = []\n    for _ in range(300): a = [a]\n    return a'),
    );
    expect(state).toMatchObject({ phase: 'Failed', reason: 'ReturnValueNotSerializable' });
  });
});

describe('a script without handler', () => {
  it.each<[string, RunInput]>([
    ['Python', python('if __name__ == "__main__":\n    print("hi")')],
    ['JavaScript', javascript('setTimeout(() => console.log("hi"), 10)')],
    ['Shell', shell('echo hi')],
  ])('simply runs to its end: %s', async (_, input) => {
    const state = await sandbox.run(input);
    expect(state).toMatchObject({ phase: 'Completed', exitCode: 0, stdout: { text: 'hi\n' } });
    expect('returnValue' in state).toBe(false);
  });
});

describe('a run that fails', () => {
  it.each<[string, RunInput, number, string[]]>([
    [
      'with an exception in the handler (Python)',
      python('print("before")\ndef handler(event):\n    return 1 / 0'),
      1,
      ['Traceback', 'File "<execution>", line 3, in handler', 'return 1 / 0', 'ZeroDivisionError'],
    ],
    [
      'with an exception at top level (Python)',
      python('\n\nundefined_name'),
      1,
      ['File "<execution>", line 3, in <module>', 'undefined_name', 'NameError'],
    ],
    [
      'with a syntax error (Python)',
      python('def f(:\n  pass'),
      1,
      ['File "<execution>", line 1', 'SyntaxError'],
    ],
    ['with NUL in the code (Python)', python('x = 1\0'), 1, ['null bytes']],
    [
      'with a class of its own (Python)',
      python(
        'class CustomError(Exception): pass\ndef handler(e): raise CustomError("custom error")',
      ),
      1,
      ['CustomError: custom error'],
    ],
    [
      'with a future import it obeys (Python)',
      python('from __future__ import annotations\ndef f(a: Nope): pass\nraise KeyError("past")'),
      1,
      ["KeyError: 'past'"],
    ],
    [
      'with sys.exit(3) in the handler (Python)',
      python('import sys\ndef handler(e): sys.exit(3)'),
      3,
      [],
    ],
    ['with sys.exit("words") (Python)', python('import sys\nsys.exit("words")'), 1, ['words']],
    ['with os._exit(4) (Python)', python('import os\nos._exit(4)'), 4, []],
    ['with MemoryError (Python)', python('x = bytearray(1 << 60)'), 1, ['MemoryError']],
    ['with RecursionError (Python)', python('def f(): f()\nf()'), 1, ['RecursionError']],
    [
      'with an error in the handler (JavaScript)',
      javascript('\nexports.handler = () => { null.foo }'),
      1,
      ['TypeError', '<execution>:2:'],
    ],
    [
      'with a syntax error (JavaScript)',
      javascript('let x = 1;\nlet y = ;'),
      1,
      ['<execution>:2', 'SyntaxError'],
    ],
    [
      'with a syntax error in a module (JavaScript)',
      javascript('export const a = 1;\nlet y = ;'),
      1,
      ['execution.mjs:2', 'SyntaxError'],
    ],
    [
      'with a rejected promise that nobody awaits (JavaScript)',
      javascript('Promise.reject(new Error("unheard")); setTimeout(() => {}, 5000)'),
      1,
      ['unheard'],
    ],
    [
      'with process.exit(3) (JavaScript)',
      javascript('exports.handler = () => process.exit(3)'),
      3,
      [],
    ],
    [
      'with something thrown that is no error (JavaScript)',
      javascript('throw 5'),
      1,
      ['Uncaught 5'],
    ],
    ['with exit 7 (Shell)', shell('echo out; echo err >&2; exit 7'), 7, ['err\n']],
    [
      'with an unknown command (Shell)',
      shell('\nno-such-command'),
      127,
      ['line 2: no-such-command'],
    ],
  ])('%s', async (_, input, exitCode, texts) => {
    const state = await sandbox.run(input);
    expect(state).toMatchObject({ phase: 'Failed', reason: 'NonZeroExit', exitCode });
    for (const text of texts) expect(state.stderr.text).toContain(text);
    // What nobody catches is printed by Node.js itself, with all there is on the stack.
    if (!texts.includes('unheard')) {
      expect(state.stderr.text).not.toMatch(/launcher\.py|python_runner\.py|node-runner\.mjs/);
    }
  });

  it('keeps what it printed before', async () => {
    const state = await sandbox.run(python('print("before", end="")\nraise ValueError'));
    expect(state.stdout.text).toBe('before');
  });
});

describe('a run finds', () => {
  it('the workspace as its directory and home, and keeps nothing else of the one before but its files', async () => {
    await sandbox.run(
      python(
        'import os\nopen("kept.txt", "w").write("kept")\nos.environ["LEFT"] = "over"\nos.chdir("/")\nos.umask(0o777)',
      ),
    );
    const state = await sandbox.run(
      python(
        'import os\ndef handler(e): return [os.getcwd(), os.environ["HOME"], open("kept.txt").read(), "LEFT" in os.environ]',
      ),
    );
    expect(state.returnValue).toEqual(['/workspace', '/workspace', 'kept', false]);
  });

  it.each<[string, RunInput]>([
    ['Python', python('import os, json\nprint(json.dumps(dict(os.environ)))')],
    ['JavaScript', javascript('console.log(JSON.stringify(process.env))')],
    ['Shell', shell('python3 -c "import os, json; print(json.dumps(dict(os.environ)))"')],
  ])("its own variables over the session's, and none of the executor's: %s", async (_, input) => {
    const state = await sandbox.run({ ...input, env: { BOTH: 'run', OWN: 'ünï' } });
    const {
      PWD: _pwd,
      SHLVL: _level,
      _: _last,
      LC_CTYPE: _locale,
      ...env
    } = JSON.parse(state.stdout.text) as Record<string, string>;
    expect(env).toEqual({
      PATH: '/usr/local/bin:/usr/bin:/bin',
      HOME: '/workspace',
      LANG: 'C.UTF-8',
      TMPDIR: '/tmp',
      SESSION: 'session',
      BOTH: 'run',
      OWN: 'ünï',
    });
  });

  it('its modules beside it', async () => {
    await sandbox.run(
      shell(
        'echo "VALUE = 5" > beside.py; echo "exports.value = 6" > beside.cjs; echo "export const value = 7" > beside.mjs',
      ),
    );
    expect(
      (await sandbox.run(python('import beside\ndef handler(e): return beside.VALUE'))).returnValue,
    ).toBe(5);
    expect(
      (await sandbox.run(javascript('exports.handler = () => require("./beside.cjs").value')))
        .returnValue,
    ).toBe(6);
    expect(
      (
        await sandbox.run(
          javascript('import { value } from "./beside.mjs"; export const handler = () => value'),
        )
      ).returnValue,
    ).toBe(7);
  });

  it('no input, no terminal and no descriptors but its own', async () => {
    const state = await sandbox.run(
      shell('cat; tty; ls -l /proc/self/fd | grep -c -E "socket|eventpoll"'),
    );
    expect(state.stdout.text).toBe('not a tty\n0\n');
  });

  it('pipes that can be opened by name', async () => {
    const state = await sandbox.run(shell('echo one > /dev/stdout; echo two > /dev/stderr'));
    expect([state.stdout.text, state.stderr.text]).toEqual(['one\n', 'two\n']);
  });

  it('what it may expect of an ordinary Python', async () => {
    const code = [
      'import inspect, pickle, random, subprocess, sys, threading, atexit, multiprocessing',
      'class Point: pass',
      'def double(x): return 2 * x',
      'left = open("left-open.txt", "w"); left.write("flushed")',
      'atexit.register(print, "at exit")',
      'def handler(event):',
      '    threading.Thread(target=lambda: print("thread")).start()',
      '    with multiprocessing.Pool(2) as pool: doubled = pool.map(double, [1, 2])',
      '    child = subprocess.run([sys.executable, "-c", "print(6)"], capture_output=True, text=True).stdout',
      '    return [inspect.getsource(double), type(pickle.loads(pickle.dumps(Point()))).__name__, doubled, child, __name__]',
    ].join('\n');
    const state = await sandbox.run(python(code));
    expect(state).toMatchObject({
      phase: 'Completed',
      returnValue: ['def double(x): return 2 * x\n', 'Point', [2, 4], '6\n', '__main__'],
    });
    expect(state.stdout.text).toBe('thread\nat exit\n');
    expect((await sandbox.run(shell('cat left-open.txt'))).stdout.text).toBe('flushed');
  });

  it('a random generator that is not where another run left it', async () => {
    const code = python('import random\ndef handler(e): return random.random()');
    const [one, two] = await Promise.all([sandbox.run(code), sandbox.run(code)]);
    expect(one.returnValue).not.toBe(two.returnValue);
  });
});

describe('metrics', () => {
  it("are of the user's process", async () => {
    const state = await sandbox.run(
      python(
        'import time\nx = bytearray(100_000_000)\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass',
      ),
    );
    expect(within(state, 'cpuTimeMs', 290, 1_500)).toBe(true);
    expect(within(state, 'peakMemoryBytes', 100_000_000, 150_000_000)).toBe(true);
    expect(within(state, 'durationMs', 290, 20_000)).toBe(true);
  });

  it('leave out what Node.js took to boot ahead of the run', async () => {
    const state = await sandbox.run(javascript('exports.handler = () => 1'));
    expect(state.metrics.cpuTimeMs).toBeGreaterThan(0);
  });
});

function within(
  state: FinalState,
  key: keyof FinalState['metrics'],
  least: number,
  most: number,
): boolean {
  const value = state.metrics[key] ?? -1;
  return least <= value && value <= most;
}

describe('a language without interpreter', () => {
  it('is told of before anything runs', async () => {
    const bare = await startSandbox({ env: { PATH: '/opt/bare' }, bare: true });
    try {
      expect((await bare.client.health(bare.target)).languages).toEqual(['python', 'javascript']);
      expect(await bare.run(shell('echo hi'))).toMatchObject({
        phase: 'Failed',
        reason: 'LanguageNotAvailable',
        exitCode: 127,
        message: 'this image has neither bash nor sh',
      });
      expect((await bare.run(python('def handler(e): return 1'))).returnValue).toBe(1);
    } finally {
      await bare.close();
    }
  });
});
