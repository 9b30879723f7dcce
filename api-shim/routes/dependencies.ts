import { z } from 'zod';
import { presentSession } from '../present-session.ts';
import { route, type Route } from '../route.ts';
import { installRequest } from '../schemas/dependencies.ts';
import { sessionPath, sessionResponse } from '../schemas/session.ts';
import type { SessionDependencies } from '../session-dependencies.ts';
import type { Sessions } from '../sessions.ts';

export function dependencyRoutes(
  dependencies: SessionDependencies,
  sessions: Sessions,
): readonly Route[] {
  return [
    route({
      id: 'installDependencies',
      method: 'post',
      paths: ['/api/v1/sessions/{session_id}/dependencies/install'],
      tag: 'sessions',
      summary: 'Install packages in a session',
      description:
        'Answers when they are installed. Running executions keep what they have; those that start later find the new set.',
      input: z.object({ params: sessionPath, body: installRequest }),
      success: { status: 200, description: 'The session', schema: sessionResponse },
      errors: [
        'SessionNotFound',
        'SessionNotActive',
        'SessionSuspended',
        'DependenciesNotSupported',
        'DependencyInstallFailed',
        'DependencyInstallInProgress',
        'InstallNotSettled',
        'ShuttingDown',
      ],
      handle: async ({ params, body }, context) => {
        const sandbox = await dependencies.install(params.session_id, body, context);
        return presentSession(sandbox, sessions.surroundingsOf(sandbox));
      },
    }),
  ];
}
