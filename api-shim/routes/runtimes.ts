import { z } from 'zod';
import { sessionStatusOf } from '../../crds/rest-status.ts';
import type { Sandbox } from '../../crds/sandbox.ts';
import { RUNTIMES, type Runtime, type SandboxTemplate } from '../../crds/sandbox-template.ts';
import { presentTemplate } from '../present-template.ts';
import { route, type Route } from '../route.ts';
import { runtimeList, type RuntimeList } from '../schemas/runtime.ts';
import type { Templates } from '../templates.ts';

export interface RuntimeDeps {
  readonly templates: Templates;
  readonly sandboxes: () => readonly Sandbox[];
}

export function runtimeRoutes({ templates, sandboxes }: RuntimeDeps): readonly Route[] {
  return [
    route({
      id: 'listRuntimes',
      method: 'get',
      paths: ['/api/v1/runtimes'],
      tag: 'templates',
      summary: 'What code can run on, and what does',
      input: z.object({}),
      success: { status: 200, description: 'All runtimes', schema: runtimeList },
      errors: [],
      handle: () => {
        const all = templates.list();
        const live = sandboxes();
        return Promise.resolve({ items: RUNTIMES.map((name) => runtimeOf(name, all, live)) });
      },
    }),
  ];
}

function runtimeOf(
  runtime: Runtime,
  templates: readonly SandboxTemplate[],
  sandboxes: readonly Sandbox[],
): RuntimeList['items'][number] {
  const own = templates.filter(({ spec }) => spec.runtime === runtime);
  const names = new Set(own.map(({ metadata }) => metadata.name));
  const sessions = sandboxes.filter(({ spec }) => names.has(spec.templateRef.name));
  const count = (status: string): number =>
    sessions.filter((sandbox) => sessionStatusOf(sandbox) === status).length;
  const presented = own.map(presentTemplate);
  return {
    runtime_type: runtime,
    status: presented.some((template) => template.is_active) ? 'available' : 'unavailable',
    templates: presented.map(({ id }) => id),
    sessions: { creating: count('creating'), running: count('running') },
  };
}
