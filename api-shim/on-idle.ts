import type { SandboxSpec } from '../crds/sandbox.ts';

/** What becomes of a session that nobody uses: the words of REST and those of the objects. */

type OnIdle = NonNullable<SandboxSpec['timeouts']['onIdle']>;
type OnIdleName = 'terminate' | 'suspend';

export function onIdleOf(name: OnIdleName): OnIdle {
  return name === 'suspend' ? 'Suspend' : 'Terminate';
}

export function onIdleNameOf(onIdle: OnIdle | undefined): OnIdleName {
  return onIdle === 'Suspend' ? 'suspend' : 'terminate';
}
