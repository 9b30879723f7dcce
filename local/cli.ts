import { rmSync } from 'node:fs';
import { ZodError, prettifyError } from 'zod';
import { localConfig } from './config.ts';
import { down } from './down.ts';
import { followLog } from './follow-log.ts';
import { openInstallation } from './installation.ts';
import { readRunning } from './running.ts';
import { say, UserFacingError } from './say.ts';
import { up } from './up.ts';

const COMMANDS: Readonly<Record<string, () => Promise<void>>> = {
  up: async () => {
    const config = localConfig(process.env);
    await up(config, openInstallation(config.stateFolder));
  },
  down: async () => {
    await down(openInstallation(localConfig(process.env).stateFolder), { workspaces: 'keep' });
  },
  logs: async () => {
    const { running, log } = openInstallation(localConfig(process.env).stateFolder);
    if (readRunning(running) === undefined)
      say('The local control plane does not run; what follows is its last log.');
    await followLog(log);
  },
  clean: async () => {
    const { stateFolder } = localConfig(process.env);
    await down(openInstallation(stateFolder), { workspaces: 'remove' });
    rmSync(stateFolder, { recursive: true, force: true });
  },
};

function explain(error: unknown): string {
  if (error instanceof UserFacingError) return error.message;
  if (error instanceof ZodError) return prettifyError(error);
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

const command = COMMANDS[process.argv[2] ?? ''];
if (command === undefined) {
  say(`Usage: node local/cli.ts ${Object.keys(COMMANDS).join(' | ')}`);
  process.exitCode = 64;
} else {
  await command().catch((error: unknown) => {
    process.stderr.write(`${explain(error)}\n`);
    process.exitCode = 1;
  });
}
