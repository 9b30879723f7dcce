import type { SandboxTemplate } from '../../crds/sandbox-template.ts';
import { parseQuantity } from '../../kube/quantity.ts';

/** What makes a template unusable though its schema is kept, in words for its author; undefined: nothing. */
export function templateProblem({ spec }: SandboxTemplate): string | undefined {
  return imageProblem(spec.image) ?? resourceProblem(spec.resources) ?? envProblem(spec.env);
}

/** The grammar of image references (github.com/distribution/reference): [host[:port]/]path[:tag][@digest]. */
const PATH_COMPONENT = String.raw`[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*`;
const HOST = String.raw`(?:[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?)(?:\.[a-zA-Z0-9](?:[-a-zA-Z0-9]*[a-zA-Z0-9])?)*(?::\d{1,5})?`;
const IMAGE = new RegExp(
  String.raw`^(?:${HOST}/)?${PATH_COMPONENT}(?:/${PATH_COMPONENT})*(?::\w[\w.-]{0,127})?(?:@[a-z0-9]+:[0-9a-fA-F]{32,})?$`,
);

function imageProblem(image: string): string | undefined {
  if (IMAGE.test(image)) return undefined;
  return `spec.image "${image}" is not an image reference like "registry/name:tag"`;
}

function resourceProblem(resources: SandboxTemplate['spec']['resources']): string | undefined {
  const empty = Object.entries(resources).find(([, amount]) => parseQuantity(amount ?? '1') === 0);
  if (empty !== undefined) return `spec.resources.${empty[0]} must be more than 0`;
  const { cpu, cpuRequest = cpu } = resources;
  if ((parseQuantity(cpuRequest) ?? 0) <= (parseQuantity(cpu) ?? 0)) return undefined;
  return `spec.resources.cpuRequest ${cpuRequest} is more than spec.resources.cpu ${cpu}`;
}

function envProblem(env: SandboxTemplate['spec']['env']): string | undefined {
  const twice = env.find(({ value, valueFrom }) => value !== undefined && valueFrom !== undefined);
  if (twice === undefined) return undefined;
  return `spec.env ${twice.name} has both value and valueFrom; give one of them`;
}
