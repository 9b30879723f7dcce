import { z } from 'zod';
import { countStates } from '../health.ts';
import type { Dependency, DependencyState } from '../probes.ts';
import { route, type Route } from '../route.ts';
import {
  detailedHealthResponse,
  healthResponse,
  rootResponse,
  syncResponse,
} from '../schemas/health.ts';
import type { Sandbox } from '../../crds/sandbox.ts';

export interface HealthOptions {
  readonly version: string;
  /** Seconds since the process started. */
  readonly uptime: () => number;
  readonly dependencies: () => Promise<Record<Dependency, DependencyState>>;
  readonly sandboxes: () => readonly Sandbox[];
}

/** `/health` asks nobody, so that it cannot fail while the process serves at all. */
export function healthRoutes({
  version,
  uptime,
  dependencies: ask,
  sandboxes,
}: HealthOptions): readonly Route[] {
  return [
    route({
      id: 'root',
      access: 'open',
      method: 'get',
      paths: ['/'],
      tag: 'health',
      summary: 'What this is',
      input: z.object({}),
      success: {
        status: 200,
        description: 'Name, version and where to read on',
        schema: rootResponse,
      },
      errors: [],
      handle: () =>
        Promise.resolve({
          name: 'Sandbox Control Plane',
          version,
          status: 'operational',
          features: ['session_management', 'code_execution', 'template_management'],
          documentation: { swagger: '/docs', openapi: '/openapi.json' },
        }),
    }),
    route({
      id: 'health',
      access: 'open',
      method: 'get',
      paths: ['/api/v1/health'],
      tag: 'health',
      summary: 'Whether this process serves',
      input: z.object({}),
      success: { status: 200, description: 'It does', schema: healthResponse },
      errors: [],
      handle: () => Promise.resolve({ status: 'healthy', version, uptime: uptime() }),
    }),
    route({
      id: 'detailedHealth',
      method: 'get',
      paths: ['/api/v1/health/detailed'],
      tag: 'health',
      summary: 'Whether what it depends on answers',
      input: z.object({}),
      success: {
        status: 200,
        description: 'The state of each dependency',
        schema: detailedHealthResponse,
      },
      errors: [],
      handle: async () => {
        const dependencies = await ask();
        const isHealthy = Object.values(dependencies).every((state) => state !== 'unhealthy');
        return {
          status: isHealthy ? 'healthy' : 'degraded',
          version,
          uptime: uptime(),
          dependencies,
        };
      },
    }),
    route({
      id: 'syncState',
      method: 'post',
      paths: ['/api/v1/health/sync'],
      tag: 'health',
      summary: 'How the sessions stand',
      description:
        'The operator keeps their state in sync all the time; there is nothing to start.',
      input: z.object({}),
      success: { status: 200, description: 'Counts of sessions', schema: syncResponse },
      errors: [],
      handle: () =>
        Promise.resolve({
          status: 'success',
          message: 'State sync completed',
          result: countStates(sandboxes()),
        }),
    }),
  ];
}
