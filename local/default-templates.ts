import {
  SANDBOX_TEMPLATES,
  sandboxTemplateSpec,
  type SandboxTemplate,
} from '../crds/sandbox-template.ts';
import { API_VERSION } from '../crds/names.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Draft } from '../kube/objects.ts';

/** The templates that a local installation starts with. */
const DEFAULT_TEMPLATES = [
  { name: 'python-basic', displayName: 'Python Basic', runtime: 'python3.11' },
  { name: 'nodejs-basic', displayName: 'Node.js Basic', runtime: 'nodejs20' },
] as const;

/** Creates the default templates where there is none at all: a person may have changed or deleted some of them. */
export async function provideDefaultTemplates(
  client: KubeClient,
  namespace: string,
): Promise<void> {
  const { items } = await client.list(SANDBOX_TEMPLATES, { namespace, limit: 1 });
  if (items.length > 0) return;
  for (const template of DEFAULT_TEMPLATES) {
    await client.create(SANDBOX_TEMPLATES, draftOf(template, namespace));
  }
}

function draftOf(
  template: (typeof DEFAULT_TEMPLATES)[number],
  namespace: string,
): Draft<SandboxTemplate> {
  const { name, ...spec } = template;
  return {
    apiVersion: API_VERSION,
    kind: SANDBOX_TEMPLATES.kind,
    metadata: { name, namespace },
    spec: sandboxTemplateSpec.parse({
      ...spec,
      image: `sandbox-template-${name}:latest`,
      // As in the reference of the REST API.
      timeouts: { idleSeconds: 300 },
    }),
  };
}
