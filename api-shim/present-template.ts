import { TEMPLATE_CONDITIONS } from '../crds/reasons.ts';
import type { SandboxTemplate } from '../crds/sandbox-template.ts';
import { restIdOf } from './names.ts';
import { onIdleNameOf } from './on-idle.ts';
import { createdAtOf, latestOf } from './present-time.ts';
import { coresOf, megabytesOf } from './quantities.ts';
import type { TemplateResponse } from './schemas/template.ts';

/** SandboxTemplate -> REST template. Pure. */

export function templateNameOf(template: SandboxTemplate): string {
  return template.spec.displayName ?? restIdOf(template);
}

export function presentTemplate(template: SandboxTemplate): TemplateResponse {
  const { spec } = template;
  const created = createdAtOf(template);
  const ready = template.status?.conditions?.find(({ type }) => type === TEMPLATE_CONDITIONS.ready);
  return {
    id: restIdOf(template),
    name: templateNameOf(template),
    image_url: spec.image,
    runtime_type: spec.runtime,
    default_cpu_cores: coresOf(spec.resources.cpu),
    default_memory_mb: megabytesOf(spec.resources.memory),
    default_disk_mb: megabytesOf(spec.resources.disk),
    default_timeout_sec: spec.timeouts.idleSeconds,
    default_on_idle: onIdleNameOf(spec.timeouts.onIdle),
    default_env_vars: plainEnvOf(template),
    pre_installed_packages: spec.dependencies.packages.map(({ name, version = null }) => ({
      name,
      version,
    })),
    max_concurrent_executions: spec.executions.maxConcurrent,
    is_active: ready?.status !== 'False',
    created_at: created,
    updated_at: latestOf(created, ready?.lastTransitionTime),
  };
}

function plainEnvOf({ spec }: SandboxTemplate): Record<string, string> | null {
  const plain = spec.env.filter((variable) => variable.valueFrom === undefined);
  if (plain.length === 0) return null;
  return Object.fromEntries(plain.map(({ name, value }) => [name, value ?? '']));
}
