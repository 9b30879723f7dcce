import { API_VERSION } from '../../crds/names.ts';
import { sandboxTemplateSpec } from '../../crds/sandbox-template.ts';
import type { SandboxTemplate, SandboxTemplateStatus } from '../../crds/sandbox-template.ts';
import type { ObjectMeta } from '../../kube/objects.ts';
import { metadataOf } from './metadata.ts';

export interface TemplateOverrides {
  readonly metadata?: Partial<ObjectMeta>;
  readonly spec?: Partial<Record<keyof SandboxTemplate['spec'], unknown>>;
  readonly status?: SandboxTemplateStatus;
}

/** The template `python-basic`, with the schema's defaults; name what the test is about. */
export function aTemplate({ metadata, spec, status }: TemplateOverrides = {}): SandboxTemplate {
  return {
    apiVersion: API_VERSION,
    kind: 'SandboxTemplate',
    metadata: metadataOf(metadata?.name ?? 'python-basic', metadata),
    spec: sandboxTemplateSpec.parse({ image: 'sandbox-template-python-basic', ...spec }),
    ...(status === undefined ? {} : { status }),
  };
}
