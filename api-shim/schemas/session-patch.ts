import { z } from 'zod';
import { dependencies, packageIndex } from './dependencies.ts';
import { envVars, integer, onIdle } from './fields.ts';
import { quantities } from './session.ts';

/** What a session that exists may be asked to become. */
export const patchSessionRequest = z
  .object({
    timeout: integer(1, 3600)
      .nullish()
      .meta({ description: 'Ends the session when it was unused for so many seconds.' }),
    on_idle: onIdle.nullish(),
    env_vars: envVars.nullish().meta({
      description:
        'Set or overwritten, the others stay; for executions that start after it. Together at most 64.',
    }),
    dependencies: dependencies.nullish().meta({
      description:
        'In place of those before; the installation begins at once, and none takes them all away.',
    }),
    python_package_index_url: packageIndex,
    ...quantities,
  })
  .meta({ id: 'PatchSession', examples: [{ timeout: 600, env_vars: { LEVEL: 'debug' } }] });
export type PatchSessionRequest = z.output<typeof patchSessionRequest>;
