import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { chmod, chown, mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent } from 'undici';
import { build } from '../../executor/build.ts';
import type { ExecutorTarget } from '../../executor/client.ts';
import type { FinalState, StartRequest } from '../../executor/contract.ts';
import { EXECUTOR_ENV } from '../../executor/environment.ts';
import { HttpExecutorClient } from '../../executor/http-client.ts';
import { TokenSigner } from '../../executor/token.ts';
import { systemClock } from '../../kube/clock.ts';

const USER = 1000;
const START_PATIENCE_MS = 20_000;
const NODE = '/opt/node';
const AUDIENCE = 'pod-under-test';
const LAUNCHER = 'launcher.py';
/** Python and Node.js. */
const INTERPRETERS = 2;

export type RunInput = Pick<StartRequest, 'code'> & Partial<StartRequest>;

/** A real executor: built, started as PID 1 of namespaces of its own, not root, reached over its socket as the control plane does. */
export interface TestSandbox {
  readonly client: HttpExecutorClient;
  readonly target: ExecutorTarget;
  readonly signer: TokenSigner;
  /** The sandbox's folders, as seen from outside. */
  readonly workspace: string;
  readonly socket: string;
  /** For calls that `client` does not make. */
  readonly agent: Agent;
  headers(): Promise<Record<string, string>>;
  /** What the executor has written to its log. */
  log(): string;
  /** Resolves when a process of each interpreter waits for a run. */
  spares(): Promise<void>;
  /** Runs code to its end, under an id of its own. */
  run(input: RunInput): Promise<FinalState>;
  close(): Promise<void>;
}

export interface SandboxOptions {
  readonly env?: Readonly<Record<string, string>>;
  /** Paths to bind over others: [from outside, to inside]. */
  readonly binds?: readonly (readonly [string, string])[];
  /** Puts nothing but python3 on a path of its own, /opt/bare. */
  readonly bare?: boolean;
  /** Put in front of the command that starts it all, for instance to enter a control group. */
  readonly wrapper?: readonly string[];
}

let runs = 0;

export async function startSandbox(options: SandboxOptions = {}): Promise<TestSandbox> {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const folder = await mkdtemp(join(tmpdir(), 'executor-'));
  const place = {
    folder,
    dist: join(folder, 'dist'),
    workspace: join(folder, 'workspace'),
    run: join(folder, 'run'),
    dependencies: join(folder, 'dependencies'),
  };
  await chmod(folder, 0o755);
  await build(place.dist);
  for (const path of [place.workspace, place.run, place.dependencies]) await makeFolder(path);
  const socket = join(place.run, 'executor.sock');
  const env = {
    [EXECUTOR_ENV.listen]: 'unix:///run/executor/executor.sock',
    [EXECUTOR_ENV.publicKey]: publicKey.export({ format: 'der', type: 'spki' }).toString('base64'),
    [EXECUTOR_ENV.audience]: AUDIENCE,
    PATH: '/usr/local/bin:/usr/bin:/bin',
    ...options.env,
  };
  const command = [NODE, '--disable-sigusr1', '/opt/executor/executor.mjs'];
  const [program = '', ...args] = [
    ...(options.wrapper ?? []),
    ...isolation(place, { ...options, env }),
    ...command,
  ];
  const daemon = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const log: string[] = [];
  for (const stream of [daemon.stdout, daemon.stderr]) {
    stream.on('data', (chunk: Buffer) => log.push(chunk.toString()));
  }
  const signer = new TokenSigner(privateKey, systemClock);
  const client = new HttpExecutorClient(signer);
  const agent = new Agent({ connect: { socketPath: socket } });
  const target: ExecutorTarget = { podUID: AUDIENCE, address: { kind: 'unix', path: socket } };
  const close = async (): Promise<void> => {
    await Promise.all([client.close(), agent.destroy()]);
    const ended = once(daemon, 'exit');
    if (daemon.exitCode === null && daemon.kill('SIGKILL')) await ended;
    await rm(folder, { recursive: true, force: true });
  };
  await untilHealthy(client, target, daemon).catch(async (error: unknown) => {
    await close();
    throw new Error(`executor did not start: ${log.join('')}`, { cause: error });
  });
  return {
    client,
    target,
    signer,
    workspace: place.workspace,
    socket,
    agent,
    headers: async () => ({ authorization: `Bearer ${await signer.tokenFor(AUDIENCE)}` }),
    log: () => log.join(''),
    spares: () => untilSpares(daemon.pid),
    run: (input) => runToEnd(client, target, input),
    close,
  };
}

function isolation(
  place: { dist: string; workspace: string; run: string; dependencies: string },
  options: SandboxOptions,
): string[] {
  const become =
    process.getuid?.() === 0
      ? ['setpriv', `--reuid=${String(USER)}`, `--regid=${String(USER)}`, '--clear-groups']
      : [];
  const binds = [
    ['--ro-bind', process.execPath, NODE],
    ['--ro-bind', place.dist, '/opt/executor'],
    ['--bind', place.workspace, '/workspace'],
    ['--bind', place.run, '/run/executor'],
    ['--bind', place.dependencies, '/opt/dependencies'],
    ...(options.binds ?? []).map(([from, to]) => ['--ro-bind', from, to]),
  ];
  return [
    ...become,
    ...['bwrap', '--unshare-all', '--as-pid-1', '--die-with-parent', '--new-session'],
    ...['--uid', String(USER), '--gid', String(USER), '--chdir', '/'],
    ...['/usr', '/bin', '/sbin', '/lib', '/lib64', '/etc'].flatMap((path) => [
      '--ro-bind-try',
      path,
      path,
    ]),
    ...['--proc', '/proc', '--dev', '/dev', '--tmpfs', '/tmp'],
    '--clearenv',
    ...Object.entries(options.env ?? {}).flatMap(([name, value]) => ['--setenv', name, value]),
    ...binds.flat(),
    ...(options.bare === true ? ['--symlink', '/usr/bin/python3', '/opt/bare/python3'] : []),
    ...['--remount-ro', '/', '--'],
  ];
}

async function makeFolder(path: string): Promise<void> {
  await mkdir(path);
  if (process.getuid?.() === 0) await chown(path, USER, USER);
}

async function untilHealthy(
  client: HttpExecutorClient,
  target: ExecutorTarget,
  daemon: ChildProcess,
): Promise<void> {
  const deadline = performance.now() + START_PATIENCE_MS;
  for (;;) {
    try {
      await client.health(target);
      return;
    } catch (error) {
      if (daemon.exitCode !== null || performance.now() > deadline) throw error;
      await sleep(20);
    }
  }
}

/** Those that the launcher has started while nothing runs; it tells nobody of them, so the processes of the machine are looked at. */
async function untilSpares(daemon: number | undefined): Promise<void> {
  const deadline = performance.now() + START_PATIENCE_MS;
  for (;;) {
    const launcher = (await descendantsOf(daemon)).find(({ command }) =>
      command.includes(LAUNCHER),
    );
    const spares = await childrenOf(launcher?.pid);
    if (spares.length === INTERPRETERS) return;
    if (performance.now() > deadline) throw new Error(`${String(spares.length)} spares`);
    await sleep(20);
  }
}

interface Process {
  readonly pid: number;
  readonly command: string;
}

async function descendantsOf(pid: number | undefined): Promise<readonly Process[]> {
  const children = await childrenOf(pid);
  const further = await Promise.all(children.map((child) => descendantsOf(child.pid)));
  return [...children, ...further.flat()];
}

/** Of one that is gone there are none. */
async function childrenOf(pid: number | undefined): Promise<readonly Process[]> {
  const list = await readFile(`/proc/${String(pid)}/task/${String(pid)}/children`, 'utf8').catch(
    () => '',
  );
  const pids = list.split(' ').filter((text) => text !== '');
  return Promise.all(
    pids.map(async (child) => ({
      pid: Number(child),
      command: await readFile(`/proc/${child}/cmdline`, 'utf8').catch(() => ''),
    })),
  );
}

async function runToEnd(
  client: HttpExecutorClient,
  target: ExecutorTarget,
  input: RunInput,
): Promise<FinalState> {
  const request = { language: 'python', event: {}, timeoutMs: 20_000, env: {}, ...input } as const;
  const state = await client.run(target, `run-${String(++runs)}`, request, {
    waitMs: request.timeoutMs + 10_000,
  });
  if (state.phase === 'Running') throw new Error('still running');
  return state;
}
