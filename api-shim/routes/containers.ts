import { z } from 'zod';
import { restIdOf } from '../../crds/identity.ts';
import type { Clock } from '../../kube/clock.ts';
import type { Containers, SessionPod } from '../containers.ts';
import { pageOf } from '../page.ts';
import { containerStatusOf, presentContainer } from '../present-container.ts';
import { route, type Route } from '../route.ts';
import {
  containerPage,
  containerPath,
  containerResponse,
  listContainersQuery,
  type ContainerResponse,
} from '../schemas/container.ts';

export interface ContainerDeps {
  readonly containers: Containers;
  readonly clock: Clock;
}

export function containerRoutes({ containers, clock }: ContainerDeps): readonly Route[] {
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
