import { z } from 'zod';
import { templateDependencies } from '../../crds/dependencies.ts';
import { ANNOTATION } from '../../crds/names.ts';
import { RUNTIMES, type SandboxTemplateSpec } from '../../crds/sandbox-template.ts';
import type { Pod } from '../../kube/pod.ts';

/** A change of a template is for pods that are made after it, so a pod carries which packages its template had. */

const madeFrom = z.object({ runtime: z.enum(RUNTIMES), dependencies: templateDependencies });
export type TemplatePackages = z.infer<typeof madeFrom>;

/** The annotation that a pod carries. */
export function templatePackagesAnnotation({
  runtime,
  dependencies,
}: SandboxTemplateSpec): Record<string, string> {
  return { [ANNOTATION.templatePackages]: JSON.stringify({ runtime, dependencies }) };
}

/** What it says; undefined: the pod has none that can be read. */
export function templatePackagesOf(pod: Pod): TemplatePackages | undefined {
  const text = pod.metadata.annotations?.[ANNOTATION.templatePackages];
  return text === undefined ? undefined : madeFrom.safeParse(JSON.parse(text)).data;
}
