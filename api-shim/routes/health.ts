import { z } from 'zod';
import type { Dependency, DependencyState } from '../probes.ts';
import { route, type Route } from '../route.ts';
import {
  detailedHealthResponse,
  healthResponse,
  rootResponse,
  syncResponse,
} from '../schemas/health.ts';
import type { StateSync } from '../state-sync.ts';

export interface HealthOptions {
  readonly version: string;
  /** Seconds since the process started. */
  readonly uptime: () => number;
  readonly dependencies: () => Promise<Record<Dependency, DependencyState>>;
  readonly sync: StateSync;
}

/** `/health` asks nobody, so that it cannot fail while the process serves at all. */
export function healthRoutes({
  version,
  uptime,
  dependencies: ask,
  sync,
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
      // It reads everything, and the files of all tenants.
      access: 'admin',
      method: 'post',
      paths: ['/api/v1/health/sync'],
      tag: 'health',
      summary: 'Look for everything that is out of step',
      description:
        'Compares sessions, executions, pods, the rows of history and stored files, and where they differ gives the operator, which repairs all the time, two seconds before it looks again. Pods without a session go when they are a minute old, files without one after a day.',
      input: z.object({}),
      success: {
        status: 200,
        description: 'How the sessions stand, what was out of step, and what of it was repaired',
        schema: syncResponse,
      },
      errors: [],
      handle: async () => ({
        status: 'success',
        message: 'State sync completed',
        result: await sync.run(),
      }),
    }),
  ];
}
