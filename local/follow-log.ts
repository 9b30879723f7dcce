import { spawn } from 'node:child_process';
import { once } from 'node:events';

/** Shows the end of the log and what is added to it, until the person has seen enough. */
export async function followLog(file: string): Promise<void> {
  const tail = spawn('tail', ['-n', '50', '-F', file], { stdio: 'inherit' });
  await once(tail, 'close');
}
