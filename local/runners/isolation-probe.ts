import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { bubblewrap, unshare, type Isolator } from './isolator.ts';

const run = promisify(execFile);

const PROBE_TIMEOUT_MS = 10_000;
const SCRIPT = new URL('enter-namespaces.sh', import.meta.url).pathname;

/** Isolators whose tools are on this machine, the better one first; whether the kernel lets them is only seen by using them. */
export async function installedIsolators(root: boolean): Promise<readonly Isolator[]> {
  const help = root ? undefined : await bubblewrapHelp();
  return [...(help === undefined ? [] : [bubblewrap(help)]), unshare(root, SCRIPT)];
}

async function bubblewrapHelp(): Promise<string | undefined> {
  return await run('bwrap', ['--help']).then(
    ({ stdout, stderr }) => stdout + stderr,
    () => undefined,
  );
}

/** Runs a command to its end; why it failed, or undefined if it did not. */
export async function failureOf(command: readonly string[]): Promise<string | undefined> {
  const [program = '', ...args] = command;
  try {
    await run(program, args, { timeout: PROBE_TIMEOUT_MS, env: { PATH: HOST_PATH } });
    return undefined;
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    return text.trim().split('\n').slice(1).join(' ').trim() || text;
  }
}

/** Where a host's mount, unshare and setpriv are. */
const HOST_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
