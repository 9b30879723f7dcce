import { isEnded, type Sandbox, type SandboxStatus } from '../crds/sandbox.ts';
import type { SandboxTemplate } from '../crds/sandbox-template.ts';

export type Inherited = NonNullable<SandboxStatus['inherited']>;

/**
 * What holds for a session where it says nothing itself: what its template says, or what was written down of it. An ended session keeps the latter, whatever
 * becomes of the template or of its name. Undefined: nobody knows any more.
 */
export function inheritedOf(
  sandbox: Sandbox,
  template: SandboxTemplate | undefined,
): Inherited | undefined {
  const recorded = sandbox.status?.inherited;
  const current = template && inheritedFrom(template);
  return isEnded(sandbox) ? (recorded ?? current) : (current ?? recorded);
}

function inheritedFrom({ spec }: SandboxTemplate): Inherited {
  const { runtime, resources, timeouts } = spec;
  const { idleSeconds, onIdle } = timeouts;
  return { runtime, resources, idleSeconds, onIdle };
}
