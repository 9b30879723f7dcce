/** Python that does what no guest should, and how its run must end. */
export interface HostileCode {
  readonly what: string;
  readonly code: string;
  readonly timeout?: number;
  readonly expected: object;
}

function lines(...code: readonly string[]): string {
  return code.join('\n');
}

export const HOSTILE_CODE: readonly HostileCode[] = [
  {
    what: 'forks endlessly',
    code: lines('import os', 'while True:', '    try: os.fork()', '    except OSError: pass'),
    timeout: 3,
    expected: { status: 'timeout', reason: 'Timeout', exit_code: 124 },
  },
  {
    what: 'eats all memory',
    code: lines('x = []', 'while True: x.append(bytearray(b"x" * (16 << 20)))'),
    expected: { status: 'failed', reason: 'OOMKilled', exit_code: 137 },
  },
  {
    what: 'writes 1 GB to stdout',
    code: lines('import sys', 'b = "x" * (1 << 20)', 'for _ in range(1024): sys.stdout.write(b)'),
    timeout: 90,
    expected: { status: 'completed', exit_code: 0, stdout_truncated: true },
  },
  {
    what: 'closes every descriptor',
    code: lines('import os', 'os.closerange(0, 4096)', 'os._exit(5)'),
    expected: { status: 'failed', reason: 'NonZeroExit', exit_code: 5 },
  },
  {
    what: 'prints binary',
    code: lines('import os', 'os.write(1, bytes(range(256)))'),
    expected: { status: 'completed', exit_code: 0 },
  },
  {
    what: 'kills its parent',
    code: lines('import os, time', 'os.kill(os.getppid(), 9)', 'time.sleep(20)'),
    expected: { exit_code: 137 },
  },
  {
    what: 'kills everything it may',
    code: lines('import os, time', 'os.kill(-1, 9)', 'time.sleep(20)'),
    expected: { exit_code: 137 },
  },
  {
    what: 'kills itself',
    code: lines('import os', 'os.kill(os.getpid(), 9)'),
    expected: { status: 'failed', reason: 'Signal', exit_code: 137 },
  },
  {
    what: 'sleeps too long',
    code: lines('print("before", flush=True)', 'import time', 'time.sleep(60)'),
    timeout: 1,
    expected: { status: 'timeout', reason: 'Timeout', exit_code: 124, stdout: 'before\n' },
  },
];
