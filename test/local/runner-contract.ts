import { createHash, generateKeyPairSync, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecutionState, StartRequest } from '../../executor/contract.ts';
import { EXECUTOR_ENV } from '../../executor/environment.ts';
import { HttpExecutorClient } from '../../executor/http-client.ts';
import { TokenSigner } from '../../executor/token.ts';
import { systemClock } from '../../kube/clock.ts';
import type { Logger } from '../../kube/logger.ts';
import type { Pod } from '../../kube/pod.ts';
import type { PodExit, PodRunner, StartPod } from '../../local/runners/pod-runner.ts';

/** What a suite of one runner brings along. */
export interface RunnerUnderTest {
  /** A runner as after a restart: of the same installation as the one before. */
  readonly create: () => Promise<PodRunner>;
  /** Whether system calls are filtered. */
  readonly seccomp: boolean;
  readonly image: string;
  /** A folder of this machine that no sandbox may see. */
  readonly hostFolder: string;
}

export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
  child: () => silentLogger,
};

const keys = generateKeyPairSync('ed25519');
const publicKey = keys.publicKey.export({ type: 'spki', format: 'der' }).toString('base64');

/** A pod like those of the operator, as far as runners look. */
export function startRequest(image: string, workspaceId: string = randomUUID()): StartPod {
  const uid = randomUUID();
  const pod: Pod = {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `pod-${uid.slice(0, 8)}`,
      namespace: 'default',
      uid,
      resourceVersion: '1',
      creationTimestamp: '2026-01-01T00:00:00Z',
    },
    spec: {
      containers: [
        {
          name: 'sandbox',
          image,
          resources: { limits: { cpu: '1', memory: '256Mi', 'ephemeral-storage': '64Mi' } },
        },
      ],
      volumes: [{ name: 'tmp', emptyDir: { sizeLimit: '16Mi' } }],
    },
  };
  const env = {
    [EXECUTOR_ENV.publicKey]: publicKey,
    [EXECUTOR_ENV.audience]: uid,
    SANDBOX_USER_GREETING: 'hello',
  };
  return { pod, workspaceId, env };
}

/** Runs code in a pod through its executor, once that answers. */
export class Sandbox {
  readonly request: StartPod;
  readonly #client = new HttpExecutorClient(new TokenSigner(keys.privateKey, systemClock));
  readonly #runner: PodRunner;

  constructor(runner: PodRunner, request: StartPod) {
    this.#runner = runner;
    this.request = request;
  }

  get uid(): string {
    return this.request.pod.metadata.uid;
  }

  async ready(): Promise<this> {
    for (let tries = 1_600; ; tries--) {
      try {
        await this.#client.health(this.#target);
        return this;
      } catch (error) {
        if (tries === 0) throw error;
        await sleep(25);
      }
    }
  }

  async run(
    language: StartRequest['language'],
    code: string,
  ): Promise<Exclude<ExecutionState, { phase: 'Running' }>> {
    const id = createHash('sha256').update(randomUUID()).digest('hex').slice(0, 32);
    const state = await this.#client.run(
      this.#target,
      id,
      { language, code, event: {}, timeoutMs: 30_000, env: {} },
      { waitMs: 35_000 },
    );
    if (state.phase === 'Running') throw new Error('the run did not end in time');
    return state;
  }

  /** The standard output of a shell script. */
  async sh(code: string): Promise<string> {
    return (await this.run('shell', code)).stdout.text.trim();
  }

  async close(): Promise<void> {
    await this.#client.close();
  }

  get #target(): { podUID: string; address: ReturnType<PodRunner['address']> } {
    return { podUID: this.uid, address: this.#runner.address(this.uid) };
  }
}

/** What both runners promise, on the real thing and seen from inside a sandbox. */
export function runnerContract(setUp: () => Promise<RunnerUnderTest>): void {
  let under: RunnerUnderTest;
  let runner: PodRunner;
  let sandbox: Sandbox;
  const exits: PodExit[] = [];

  async function started(request: StartPod): Promise<Sandbox> {
    await runner.start(request);
    return await new Sandbox(runner, request).ready();
  }

  beforeAll(async () => {
    under = await setUp();
    runner = await under.create();
    runner.onExit((exit) => exits.push(exit));
    await runner.list();
    sandbox = await started(startRequest(under.image));
  }, 180_000);

  afterAll(async () => {
    await sandbox.close();
    for (const { podUID } of await runner.list()) await runner.stop(podUID);
    await runner.keepWorkspaces(new Set());
    await runner.close();
  }, 60_000);

  test('a started pod is listed, and starting it again is harmless', async () => {
    const [listed] = await runner.list();
    await expect(runner.start(sandbox.request)).resolves.toEqual(listed);
    expect(listed?.podUID).toBe(sandbox.uid);
  });

  test('user code has uid 1000, no capability and no way to new privileges', async () => {
    const status = await sandbox.sh('cat /proc/self/status');
    expect(status).toMatch(/^Uid:\t1000\t1000\t1000\t1000$/m);
    expect(status).toMatch(/^Gid:\t1000\t1000\t1000\t1000$/m);
    for (const set of ['Inh', 'Prm', 'Eff', 'Bnd', 'Amb'])
      expect(status).toMatch(new RegExp(`^Cap${set}:\\t0{16}$`, 'm'));
    expect(status).toMatch(/^NoNewPrivs:\t1$/m);
    if (under.seccomp) expect(status).toMatch(/^Seccomp:\t2$/m);
  });

  test('PID 1 is no more privileged than user code', async () => {
    const status = await sandbox.sh('cat /proc/1/status');
    expect(status).toMatch(/^CapEff:\t0{16}$/m);
    expect(status).toMatch(/^CapBnd:\t0{16}$/m);
    expect(status).toMatch(/^NoNewPrivs:\t1$/m);
  });

  test('only the workspace and the folders for temporary files can be written', async () => {
    const tried =
      '/ /usr /usr/local/bin /etc /opt /opt/executor /dev /proc/sys/kernel /sys /var /workspace /tmp /dev/shm';
    const written = await sandbox.sh(
      `for folder in ${tried}; do if : 2>/dev/null >"$folder/probe"; then echo "$folder"; fi; done`,
    );
    expect(written.split('\n')).toEqual(['/workspace', '/tmp', '/dev/shm']);
  });

  test('there is no network but the loopback', async () => {
    const devices = await sandbox.sh(
      `tail -n +3 /proc/net/dev | cut -d: -f1; tail -n +2 /proc/net/route | wc -l`,
    );
    expect(devices.split('\n').map((line) => line.trim())).toEqual(['lo', '0']);
  });

  test('nothing of the host can be seen: neither files nor processes nor an engine', async () => {
    const files = `/root/* /root/.[a-z]* /home/* /var/run/docker.sock /run/docker.sock ${under.hostFolder}`;
    await expect(sandbox.sh(`ls -d ${files} 2>/dev/null`)).resolves.toBe('');
    const processes = await sandbox.sh('cat /proc/[0-9]*/cmdline | tr "\\0" " "');
    expect(processes).toContain('/opt/executor/executor.mjs');
    expect(processes).not.toMatch(/jest|dockerd|containerd|systemd/);
  });

  test('user code finds its own variables and none of the daemon', async () => {
    const variables = await sandbox.sh('env');
    expect(variables).toMatch(/^GREETING=hello$/m);
    expect(variables).not.toMatch(/EXECUTOR_|SANDBOX_USER_/);
  });

  test('forking without end meets the limit and hurts nobody', async () => {
    const forks = await sandbox.run(
      'python',
      'import os, time\nn = 0\ntry:\n    while n < 2000:\n        if os.fork() == 0:\n            time.sleep(60)\n            os._exit(0)\n        n += 1\nexcept OSError:\n    pass\nprint(n)',
    );
    expect(Number(forks.stdout.text)).toBeGreaterThan(20);
    expect(Number(forks.stdout.text)).toBeLessThan(256);
    await expect(sandbox.sh('echo alive')).resolves.toBe('alive');
  }, 60_000);

  test('eating all memory ends that run as OOMKilled, and the next one works', async () => {
    const eaten = await sandbox.run(
      'python',
      'x = bytearray(1 << 30)\nfor i in range(0, len(x), 4096): x[i] = 1\nprint(len(x))',
    );
    expect(eaten).toMatchObject({ reason: 'OOMKilled' });
    await expect(sandbox.sh('echo alive')).resolves.toBe('alive');
  }, 60_000);

  test('/tmp is as big as the pod says, and no file can be bigger than its disk', async () => {
    const blocks = await sandbox.sh(
      'df --output=size -B1M /tmp | tail -1; head -c 80M /dev/zero 2>/dev/null >/workspace/big; stat -c %s /workspace/big; rm /workspace/big',
    );
    expect(blocks.split('\n').map(Number)).toEqual([16, 64 * 2 ** 20]);
  });

  test('whatever user code does to the socket it can see, the executor is still reached', async () => {
    await sandbox.sh(
      'rm -rf /run/executor/*; ln -s /var/run/docker.sock /run/executor/executor.sock; mkdir /run/executor/more',
    );
    await expect(sandbox.sh('echo reached')).resolves.toBe('reached');
  });

  test('a workspace outlives its pod and is found by the next with the same id, until nobody keeps it', async () => {
    const first = await started(startRequest(under.image));
    const { workspaceId } = first.request;
    await first.sh('echo kept >/workspace/file');
    await runner.stop(first.uid);
    await runner.keepWorkspaces(new Set([workspaceId]));
    const second = await started(startRequest(under.image, workspaceId));
    await expect(second.sh('cat /workspace/file')).resolves.toBe('kept');
    await runner.stop(second.uid);
    await runner.keepWorkspaces(new Set());
    const third = await started(startRequest(under.image, workspaceId));
    await expect(third.sh('ls -A /workspace')).resolves.toBe('');
    await runner.stop(third.uid);
    await Promise.all([first, second, third].map((each) => each.close()));
  }, 60_000);

  test('a pod that was stopped is gone at once, which is nobody’s news, and stopping it again is harmless', async () => {
    const stopped = await started(startRequest(under.image));
    await runner.stop(stopped.uid);
    await runner.stop(stopped.uid);
    expect((await runner.list()).map(({ podUID }) => podUID)).not.toContain(stopped.uid);
    await expect(stopped.sh('echo still here')).rejects.toMatchObject({ code: 'Unreachable' });
    expect(exits.map(({ podUID }) => podUID)).not.toContain(stopped.uid);
    await stopped.close();
  }, 60_000);

  test('an executor that ends by itself is told of once, with its exit code and last words', async () => {
    const request = startRequest(under.image);
    const ended = new Promise<PodExit>((resolve) => {
      runner.onExit((exit) => {
        if (exit.podUID === request.pod.metadata.uid) resolve(exit);
      });
    });
    await runner.start({ ...request, env: {} });
    const exit = await ended;
    expect(exit).toMatchObject({ exitCode: 1, reason: 'Error' });
    expect(exit.message).toContain(EXECUTOR_ENV.publicKey);
    expect(exits.filter(({ podUID }) => podUID === exit.podUID)).toHaveLength(1);
    expect((await runner.list()).map(({ podUID }) => podUID)).not.toContain(exit.podUID);
  }, 60_000);

  test('a limit that is no quantity is a configuration error, not to be retried', async () => {
    const { pod, ...rest } = startRequest(under.image);
    const container = {
      name: 'sandbox',
      image: under.image,
      resources: { limits: { memory: 'much' } },
    };
    const bad = { ...rest, pod: { ...pod, spec: { containers: [container] } } };
    await expect(runner.start(bad)).rejects.toMatchObject({
      code: 'CreateContainerConfigError',
      retryable: false,
    });
  });
}
