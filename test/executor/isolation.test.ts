import { setTimeout as sleep } from 'node:timers/promises';
import { type TestSandbox, startSandbox } from './sandbox.ts';

let sandbox: TestSandbox;
beforeAll(async () => {
  sandbox = await startSandbox();
});
afterAll(() => sandbox.close());

/** Runs lines of Python that fill `found`, and returns it. */
async function look(...lines: string[]): Promise<unknown> {
  const code = [
    'import ctypes, glob, os, signal',
    'found = {}',
    ...lines,
    'def handler(event): return found',
  ].join('\n');
  const state = await sandbox.run({ code });
  if (state.phase !== 'Completed') throw new Error(state.stderr.text);
  return state.returnValue;
}

const isWell = async (): Promise<void> => {
  expect((await sandbox.run({ code: 'def handler(event): return "well"' })).returnValue).toBe(
    'well',
  );
};

describe('user code', () => {
  it('is not root and has no capability', async () => {
    const found = await look(
      'found["uid"] = os.getuid()',
      'found["capabilities"] = [line.split()[1] for line in open("/proc/self/status") if line.startswith("Cap")]',
    );
    expect(found).toEqual({
      uid: 1_000,
      capabilities: Array.from({ length: 5 }, () => '0000000000000000'),
    });
  });

  it.each([
    ['the executor', '1'],
    ['the launcher', 'os.getppid()'],
  ])('cannot read memory, environment or descriptors of %s, nor attach to it', async (_, pid) => {
    const found = await look(
      `pid = ${pid}`,
      'for name in ["environ", "mem", "maps", "fd/0", "fd/3", "cwd", "exe", "root", "auxv", "syscall", "stack", "map_files"]:',
      '    try:',
      '        path = f"/proc/{pid}/{name}"',
      '        found[name] = repr(os.listdir(path) if os.path.isdir(path) else open(path, "rb").read(1))',
      '    except OSError as error: pass',
      'libc = ctypes.CDLL(None, use_errno=True)',
      'if libc.ptrace(16, pid, 0, 0) == 0: found["ptrace"] = True',
      'if libc.process_vm_readv(pid, None, 0, None, 0, 0) > 0: found["process_vm_readv"] = True',
      'pidfd = os.pidfd_open(pid)',
      'if libc.syscall(438, pidfd, 3, 0) >= 0: found["pidfd_getfd"] = True',
    );
    expect(found).toEqual({});
  });

  it('finds no file of its own that tells of the key or the audience', async () => {
    const found = await look(
      'for path in glob.glob("/proc/[0-9]*/environ"):',
      '    try: text = open(path).read()',
      '    except OSError: continue',
      '    if "EXECUTOR_" in text or "SANDBOX_USER_" in text: found[path] = text',
    );
    expect(found).toEqual({});
  });

  it('cannot end, stop or disturb the executor with any signal', async () => {
    await look(
      'for number in range(1, 65):',
      '    try: os.kill(1, number)',
      '    except OSError: pass',
    );
    // A second time: some handlers of Node.js are gone after their first signal.
    await look(
      'for number in range(1, 65):',
      '    try: os.kill(1, number)',
      '    except OSError: pass',
    );
    await isWell();
    const status = await look(
      'found.update(line.split(":", 1) for line in open("/proc/1/status") if line.startswith("State"))',
    );
    expect(JSON.stringify(status)).not.toContain('stopped');
    expect(sandbox.log()).not.toMatch(/debugger/i);
  });

  it('cannot end the executor with many signals at a time, either', async () => {
    // Once fatal: of two that Node.js had handlers for, the second came while the first was being handled.
    for (const signals of ['[2, 11, 15, 17]', 'range(1, 65)']) {
      await look(
        'import random',
        'for _ in range(20000):',
        `    try: os.kill(1, random.choice(${signals}))`,
        '    except OSError: pass',
      );
      await isWell();
    }
  });

  it('inherits none of the signals that the executor ignores, but for one of glibc', async () => {
    const { stdout } = await sandbox.run({
      language: 'shell',
      code: 'grep SigIgn /proc/self/status',
    });
    expect(stdout.text).toBe('SigIgn:\t0000000080000000\n');
  });

  it('does not open an inspector in the executor', async () => {
    await look('os.kill(1, signal.SIGUSR1)');
    const found = await look(
      'import socket',
      'for host in ["127.0.0.1", "::1"]:',
      '    try:',
      '        socket.create_connection((host, 9229), 0.3)',
      '        found[host] = "open"',
      '    except OSError: pass',
    );
    expect(found).toEqual({});
  });

  it('cannot change how likely the executor is to be killed, and is itself the likelier', async () => {
    const found = await look(
      'found["self"] = open("/proc/self/oom_score_adj").read().strip()',
      'try: open("/proc/1/oom_score_adj", "w").write("1000")',
      'except OSError as error: found["write"] = "refused"',
      'found["executor"] = open("/proc/1/oom_score_adj").read().strip()',
    );
    expect(found).toMatchObject({ self: '1000', write: 'refused' });
    expect(found).not.toMatchObject({ executor: '1000' });
  });

  it.each<['python' | 'javascript', string]>([
    ['python', 'def handler(event): return "own"'],
    ['javascript', 'exports.handler = () => "own"'],
  ])('finds no waiting %s process whose run it could forge', async (language, code) => {
    await sandbox.run({ language, code });
    await sandbox.spares();
    const found = await look(
      'launcher = os.getppid()',
      'for pid in open(f"/proc/{launcher}/task/{launcher}/children").read().split():',
      '    if int(pid) == os.getpid(): continue',
      '    try:',
      '        os.write(os.open(f"/proc/{pid}/fd/1", os.O_WRONLY), b"forged")',
      '        os.write(os.open(f"/proc/{pid}/fd/4", os.O_WRONLY), b\'V"forged"\')',
      '        found[pid] = open(f"/proc/{pid}/cmdline").read()',
      '    except OSError: pass',
    );
    expect(found).toEqual({});
    expect(await sandbox.run({ language, code })).toMatchObject({
      phase: 'Completed',
      returnValue: 'own',
      stdout: { text: '' },
    });
  });

  it('cannot close the workspace to later runs', async () => {
    await sandbox.run({ code: 'import os\nos.chmod("/workspace", 0)' });
    await isWell();
  });

  it('cannot call the executor without a token', async () => {
    const found = await look(
      'import socket',
      'for path in ["/v1/activity", "/v1/executions/x", "/v1/files", "/v1/files/a"]:',
      '    peer = socket.socket(socket.AF_UNIX)',
      '    peer.connect("/run/executor/executor.sock")',
      '    peer.sendall(f"GET {path} HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n".encode())',
      '    found[path] = peer.recv(1000).split()[1].decode()',
    );
    expect(new Set(Object.values(found as object))).toEqual(new Set(['401']));
  });

  it('gets the CPU after the executor', async () => {
    const state = await sandbox.run({ language: 'shell', code: 'nice' });
    expect(state.stdout.text).toBe('10\n');
  });

  it('does not cut off the control plane by taking up connections', async () => {
    const hog = sandbox.run({
      code: 'import socket, time\nkept = []\nfor _ in range(400):\n    s = socket.socket(socket.AF_UNIX); s.connect("/run/executor/executor.sock"); s.sendall(b"GET /v1/"); kept.append(s)\ntime.sleep(1)',
    });
    await isWell();
    expect(await hog).toMatchObject({ phase: 'Completed' });
    await isWell();
  });

  it('has its socket file put back when it removes or replaces it', async () => {
    for (const wreck of [
      'os.unlink(path)',
      'os.rename(path, path + ".gone")',
      'open(path + ".new", "w").close(); os.rename(path + ".new", path)',
    ]) {
      await look('path = "/run/executor/executor.sock"', wreck);
      const fresh = await startClientUntilServed();
      expect(fresh).toBe('ok');
      await isWell();
    }
  });
});

/** A connection that is not open yet, as a restarted control plane would make it. */
async function startClientUntilServed(): Promise<string> {
  sandbox.client.forget(sandbox.target.podUID);
  for (let tries = 0; ; tries++) {
    try {
      return (await sandbox.client.health(sandbox.target)).status;
    } catch (error) {
      if (tries > 500) throw error;
      await sleep(20);
    }
  }
}
