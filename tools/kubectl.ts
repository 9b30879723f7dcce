import path from 'node:path';
import { runCommand } from './run-command.ts';

/** The one that KUBECTL names, or was built with the cluster's programs, or is in the PATH; undefined: there is none. */
export async function findKubectl(): Promise<string | undefined> {
  const named = process.env['KUBECTL'];
  if (named !== undefined) return named;
  const built = await runCommand(['test/cluster/programs']);
  if (built.exitCode === 0) return path.join(built.output.trim(), 'kubectl');
  const { exitCode } = await runCommand(['kubectl', 'version', '--client']);
  return exitCode === 0 ? 'kubectl' : undefined;
}
