import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import { restIdOf } from '../../crds/identity.ts';
import type { Clock } from '../../kube/clock.ts';
import { KubeError, NotFoundError } from '../../kube/errors.ts';
import type { PodLogs } from '../../kube/pod-log.ts';
import type { Containers, SessionPod } from '../containers.ts';
import { ApiError } from '../errors.ts';
import { pageOf } from '../page.ts';
import { containerStatusOf, presentContainer } from '../present-container.ts';
import { Reply } from '../reply.ts';
import { route, type Route } from '../route.ts';
import {
  containerLogQuery,
  containerLogText,
  containerPage,
  containerPath,
  containerResponse,
  listContainersQuery,
  type ContainerResponse,
} from '../schemas/container.ts';

export interface ContainerDeps {
  readonly containers: Containers;
  readonly logs: PodLogs;
  readonly clock: Clock;
}

export function containerRoutes(deps: ContainerDeps): readonly Route[] {
  return [...readRoutes(deps), logRoute(deps)];
}

/** Of a log that is not followed. */
const MAX_LOG_BYTES = 8 * 2 ** 20;

function logRoute({ containers, logs, clock }: ContainerDeps): Route {
  return route({
    id: 'getContainerLog',
    method: 'get',
    paths: ['/api/v1/containers/{container_id}/logs'],
    tag: 'containers',
    summary: 'Read the log of a container',
    description:
      'What its daemon wrote. The output of an execution is in its result and its stream.',
    input: z.object({ params: containerPath, query: containerLogQuery }),
    success: {
      status: 200,
      description: 'Lines of text',
      schema: containerLogText,
      mediaType: 'text/plain',
    },
    errors: ['ContainerNotFound', 'NoLog'],
    handle: async ({ params, query }, { signal }) => {
      const { namespace = '', name } = containers.get(params.container_id).pod.metadata;
      const { tail: tailLines, since, follow, timestamps } = query;
      const options = {
        tailLines,
        follow,
        timestamps,
        signal,
        ...(since === undefined ? {} : { sinceTime: sinceTimeOf(since, clock.now()) }),
        ...(follow ? {} : { limitBytes: MAX_LOG_BYTES }),
      };
      return textStream(await logs.podLog({ namespace, name }, options).catch(logProblem), signal);
    },
  });
}

function sinceTimeOf(since: string | number, nowMs: number): string {
  return typeof since === 'string' ? since : new Date(nowMs - since * 1_000).toISOString();
}

/** The API server says BadRequest of a container that has not started, or is gone. */
function logProblem(error: unknown): never {
  if (error instanceof NotFoundError)
    throw new ApiError('ContainerNotFound', 'The container is gone', { cause: error });
  if (error instanceof KubeError && error.status.code === 400)
    throw new ApiError('NoLog', 'The container has no log now', { cause: error });
  throw error;
}

function textStream(pieces: AsyncIterable<Buffer>, signal: AbortSignal): Reply {
  return new Reply(async (response) => {
    response.writeHead(200, {
      'Content-Type': 'text/plain; charset=utf-8',
      'X-Accel-Buffering': 'no',
    });
    response.flushHeaders();
    await pipeline(pieces, response).catch((error: unknown) => {
      signal.throwIfAborted();
      throw error;
    });
  });
}

function readRoutes({ containers, clock }: ContainerDeps): readonly Route[] {
  const present = ({ pod, sandbox }: SessionPod): ContainerResponse =>
    presentContainer(pod, sandbox, clock.now());
  return [
    route({
      id: 'listContainers',
      method: 'get',
      paths: ['/api/v1/containers'],
      tag: 'containers',
      summary: 'List the containers of sessions, newest first',
      input: z.object({ query: listContainersQuery }),
      success: { status: 200, description: 'A page of containers', schema: containerPage },
      errors: [],
      handle: ({ query }) => {
        const { status, session_id: session } = query;
        const fitting = containers
          .list()
          .filter(({ pod }) => status === undefined || containerStatusOf(pod) === status)
          .filter(({ sandbox }) => session === undefined || restIdOf(sandbox) === session);
        return Promise.resolve(pageOf(fitting, query, present));
      },
    }),
    route({
      id: 'getContainer',
      method: 'get',
      paths: ['/api/v1/containers/{container_id}'],
      tag: 'containers',
      summary: 'Get a container',
      input: z.object({ params: containerPath }),
      success: { status: 200, description: 'The container', schema: containerResponse },
      errors: ['ContainerNotFound'],
      handle: ({ params }) => Promise.resolve(present(containers.get(params.container_id))),
    }),
  ];
}
