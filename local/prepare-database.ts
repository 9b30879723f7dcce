import Docker from 'dockerode';
import type { LocalConfig } from './config.ts';
import type { Installation } from './installation.ts';
import { startMariaDb } from './mariadb.ts';
import { findDocker } from './runners/docker-engine.ts';

/** Where history is kept, and the line that says so. */
export interface LocalDatabase {
  /** Absent: history is off. */
  readonly url?: string;
  readonly words: string;
}

/** The MariaDB that was named, or one of its own in a container; where neither can be had, history is off. Never rejects: a local run needs no history. */
export async function prepareDatabase(
  { databaseUrl, mariaDbImage }: Pick<LocalConfig, 'databaseUrl' | 'mariaDbImage'>,
  installation: Installation,
): Promise<LocalDatabase> {
  if (databaseUrl !== undefined)
    return { url: databaseUrl, words: 'History is kept in the MariaDB of DATABASE_URL.' };
  if (mariaDbImage === undefined) return off('SANDBOX_MARIADB_IMAGE=none says so');
  const engine = await findDocker(process.env);
  if (!engine.found) return off(engine.reason);
  try {
    const docker = new Docker({ socketPath: engine.socketPath });
    const url = await startMariaDb({ docker, image: mariaDbImage, installation });
    return {
      url,
      words: `History is kept in a MariaDB of its own, a container of ${mariaDbImage}.`,
    };
  } catch (error) {
    return off(error instanceof Error ? error.message : String(error));
  }
}

function off(reason: string): LocalDatabase {
  const then = 'what has ended is gone when its object is, and nobody writes down who did what';
  const mend = 'DATABASE_URL=mysql://USER:PASSWORD@HOST/DATABASE names a MariaDB';
  return { words: `HISTORY IS OFF (${reason}): ${then}. ${mend}.` };
}
