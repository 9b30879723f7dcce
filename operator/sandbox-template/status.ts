import { TEMPLATE_CONDITIONS } from '../../crds/reasons.ts';
import type { TemplateReason } from '../../crds/reasons.ts';
import type { SandboxTemplateStatus } from '../../crds/sandbox-template.ts';
import { setCondition } from '../../kube/conditions.ts';
import type { ConditionUpdate } from '../../kube/conditions.ts';
import type { Observed } from './observe.ts';
import { templateProblem } from './problem.ts';

export function templateStatus(seen: Observed): SandboxTemplateStatus {
  const { metadata, status } = seen.template;
  return {
    observedGeneration: metadata.generation,
    sandboxes: seen.sandboxes,
    conditions: [...setCondition(status?.conditions, ready(seen), seen.now)],
  };
}

/** Whether pods can be made from it. */
function ready({ template }: Observed): ConditionUpdate {
  const problem = templateProblem(template);
  const reason: TemplateReason = problem === undefined ? 'Valid' : 'Invalid';
  return {
    type: TEMPLATE_CONDITIONS.ready,
    status: problem === undefined ? 'True' : 'False',
    reason,
    message: problem ?? '',
    observedGeneration: template.metadata.generation ?? 0,
  };
}
