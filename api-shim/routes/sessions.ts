import { z } from 'zod';
import { presentSession } from '../present-session.ts';
import { presentPage } from '../page.ts';
import { route, type Route } from '../route.ts';
import {
  createSessionRequest,
  listSessionsQuery,
  sessionPage,
  sessionPath,
  sessionResponse,
  type SessionResponse,
} from '../schemas/session.ts';
import { patchSessionRequest } from '../schemas/session-patch.ts';
import type { Sandbox } from '../../crds/sandbox.ts';
import type { LiveActivity } from '../live-activity.ts';
import type { Sessions } from '../sessions.ts';

export function sessionRoutes(sessions: Sessions, activity: LiveActivity): readonly Route[] {
  const present = (sandbox: Sandbox, lastUsed?: string): SessionResponse =>
    presentSession(sandbox, sessions.surroundingsOf(sandbox), lastUsed);
  return [
    route({
      id: 'createSession',
      method: 'post',
      paths: ['/api/v1/sessions'],
      tag: 'sessions',
      summary: 'Create a session',
      description:
        'Answers at once; the session is `creating` until its sandbox is ready, and may be given executions before that.',
      input: z.object({ body: createSessionRequest }),
      success: { status: 201, description: 'The new session', schema: sessionResponse },
      errors: [
        'UnknownTemplate',
        'InvalidQuantity',
        'DependenciesNotSupported',
        'SessionNotSuspendable',
        'SessionExists',
        'SessionBeingDeleted',
        'SessionQuotaExceeded',
        'NoRoom',
      ],
      handle: async ({ body }, context) => present(await sessions.create(body, context)),
    }),
    route({
      id: 'listSessions',
      method: 'get',
      paths: ['/api/v1/sessions'],
      tag: 'sessions',
      summary: 'List sessions, newest first',
      input: z.object({ query: listSessionsQuery }),
      success: { status: 200, description: 'A page of sessions', schema: sessionPage },
      errors: [],
      handle: async ({ query }) => {
        const filter = {
          status: query.status,
          templateId: query.template_id,
          createdAfter: timeOf(query.created_after),
          createdBefore: timeOf(query.created_before),
        };
        const page = await sessions.page(filter, query);
        return presentPage(page, query, (sandbox) => present(sandbox));
      },
    }),
    route({
      id: 'getSession',
      method: 'get',
      paths: ['/api/v1/sessions/{session_id}'],
      tag: 'sessions',
      summary: 'Get a session',
      description:
        'last_activity_at is asked from its sandbox, unless that does not answer at once; in lists and other answers it is what was last written down.',
      input: z.object({ params: sessionPath }),
      success: { status: 200, description: 'The session', schema: sessionResponse },
      errors: ['SessionNotFound', 'HistoryUnavailable'],
      handle: async ({ params }, context) => {
        const sandbox = await sessions.get(params.session_id, context);
        return present(sandbox, await activity.of(sandbox, context.signal));
      },
    }),
    route({
      id: 'patchSession',
      method: 'patch',
      paths: ['/api/v1/sessions/{session_id}'],
      tag: 'sessions',
      summary: 'Change a live session',
      description:
        'Its timeout counts at once, its variables for executions that start after it. Its dependencies are installed in place of those before; the answer does not wait for that. Its size cannot change in place: another one is refused as a whole. Absent and null fields stay as they are.',
      input: z.object({ params: sessionPath, body: patchSessionRequest }),
      success: { status: 200, description: 'The changed session', schema: sessionResponse },
      errors: [
        'SessionNotFound',
        'SessionNotActive',
        'SessionNotSuspendable',
        'NotChangeable',
        'InvalidQuantity',
        'DependenciesNotSupported',
        'Conflict',
      ],
      handle: async ({ params, body }, context) =>
        present(await sessions.change(params.session_id, body, context)),
    }),
    route({
      id: 'suspendSession',
      method: 'post',
      paths: ['/api/v1/sessions/{session_id}/suspend'],
      tag: 'sessions',
      summary: 'Suspend a session',
      description:
        'Keeps its files in object storage and gives its sandbox back, once what was asked to run has finished. An execution, or resume, brings it back; its lifetime goes on meanwhile, and it counts among the sessions of its caller. The answer tells how far it is after a moment. Suspending twice is the same as once.',
      input: z.object({ params: sessionPath }),
      success: { status: 200, description: 'The session', schema: sessionResponse },
      errors: [
        'SessionNotFound',
        'SessionNotActive',
        'SessionNotSuspendable',
        'HistoryUnavailable',
      ],
      handle: async ({ params }, context) =>
        present(await sessions.suspend(params.session_id, context)),
    }),
    route({
      id: 'resumeSession',
      method: 'post',
      paths: ['/api/v1/sessions/{session_id}/resume'],
      tag: 'sessions',
      summary: 'Resume a suspended session',
      description:
        'Gives it a sandbox, from a warm pool where one waits, with its files in it. The answer tells how far it is after a moment; executions need not wait for that. One that is not suspended stays as it is.',
      input: z.object({ params: sessionPath }),
      success: { status: 200, description: 'The session', schema: sessionResponse },
      errors: ['SessionNotFound', 'SessionNotActive', 'HistoryUnavailable'],
      handle: async ({ params }, context) =>
        present(await sessions.resume(params.session_id, context)),
    }),
    route({
      id: 'terminateSession',
      method: 'post',
      paths: ['/api/v1/sessions/{session_id}/terminate'],
      tag: 'sessions',
      summary: 'Terminate a session',
      description:
        'Ends its sandbox and keeps the session readable. Terminating twice is the same as once.',
      input: z.object({ params: sessionPath }),
      success: { status: 200, description: 'The session', schema: sessionResponse },
      errors: ['SessionNotFound', 'HistoryUnavailable', 'Conflict'],
      handle: async ({ params }, context) =>
        present(await sessions.terminate(params.session_id, context)),
    }),
    route({
      id: 'deleteSession',
      method: 'delete',
      paths: ['/api/v1/sessions/{session_id}'],
      tag: 'sessions',
      summary: 'Delete a session and its executions',
      input: z.object({ params: sessionPath }),
      success: { status: 204, description: 'Deleted' },
      errors: ['SessionNotFound', 'HistoryUnavailable'],
      handle: ({ params }, context) => sessions.delete(params.session_id, context),
    }),
  ];
}

function timeOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Date.parse(text);
}
