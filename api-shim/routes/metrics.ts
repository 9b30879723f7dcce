import type { Registry } from 'prom-client';
import { z } from 'zod';
import { Reply } from '../reply.ts';
import { route, type Route } from '../route.ts';

const metricsText = z.string().meta({
  id: 'Metrics',
  description: 'The text format of Prometheus.',
  examples: ['# TYPE sandbox_sessions_active gauge\nsandbox_sessions_active 3\n'],
});

/** For whoever administers the installation: the numbers are of all tenants together. In a cluster scrape the health port instead. */
export function metricsRoute(registry: Registry): Route {
  return route({
    id: 'metrics',
    access: 'admin',
    method: 'get',
    paths: ['/metrics'],
    tag: 'health',
    summary: 'Numbers for Prometheus',
    description: 'In a cluster each component serves them on its health port, without a key.',
    input: z.object({}),
    success: {
      status: 200,
      description: 'Metrics',
      schema: metricsText,
      mediaType: 'text/plain',
    },
    errors: [],
    handle: async () => {
      const text = await registry.metrics();
      return new Reply((response) => {
        response.writeHead(200, { 'Content-Type': registry.contentType }).end(text);
        return Promise.resolve();
      });
    },
  });
}
