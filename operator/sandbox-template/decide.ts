import type { SandboxTemplateStatus } from '../../crds/sandbox-template.ts';
import { sameStatus } from '../status-writer.ts';
import type { Observed } from './observe.ts';
import { templateStatus } from './status.ts';

/** What to do about a template: it has no children, so only its status can be wrong. */
export interface Decision {
  /** The whole next status; absent: it stays. */
  readonly status?: SandboxTemplateStatus;
}

/** Decides from what was observed and nothing else. */
export function decide(seen: Observed): Decision {
  if (seen.template.metadata.deletionTimestamp !== undefined) return {};
  const status = templateStatus(seen);
  return sameStatus(seen.template, status) ? {} : { status };
}
