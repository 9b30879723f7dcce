import { LABEL } from '../../crds/names.ts';
import { TEMPLATE_CONDITIONS } from '../../crds/reasons.ts';
import type { TemplateReason } from '../../crds/reasons.ts';
import type { SandboxTemplateStatus } from '../../crds/sandbox-template.ts';
import { setCondition } from '../../kube/conditions.ts';
import type { ConditionUpdate } from '../../kube/conditions.ts';
import { labelOf } from '../sandbox/pod-name.ts';
import type { Observed } from './observe.ts';
import { desiredSize, ofThisMake } from './pool.ts';
import { templateProblem } from './problem.ts';

export function templateStatus(seen: Observed): SandboxTemplateStatus {
  const { metadata, status } = seen.template;
  return {
    observedGeneration: metadata.generation,
    sandboxes: seen.sandboxes,
    ...poolStatus(seen),
    conditions: [...setCondition(status?.conditions, ready(seen), seen.now)],
  };
}

/** Absent as long as there neither is nor shall be a pool. */
function poolStatus(seen: Observed): Pick<SandboxTemplateStatus, 'warmPool'> {
  const members = ofThisMake(seen);
  if (members.length === 0 && desiredSize(seen) === 0) return {};
  const ready = members.filter(({ isReady }) => isReady).length;
  const selector = `${LABEL.pool}=${labelOf(seen.template.metadata.name)}`;
  return { warmPool: { replicas: members.length, ready, selector } };
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
