import type { SandboxStatus } from '../../crds/sandbox.ts';
import type { IndexPolicy } from '../package-index/allowed.ts';
import type { Settings } from '../settings.ts';
import type { Action } from './act.ts';
import type { PodSettings } from './pod.ts';

export interface Policy extends Settings {
  readonly pod: PodSettings;
  readonly indexes: IndexPolicy;
}

/** What to do about a sandbox, as data. */
export interface Decision {
  /** Carried out in order, before the status is written. */
  readonly actions: readonly Action[];
  /** The whole next status; absent: it stays. */
  readonly status?: SandboxStatus;
  /** The status holds only if nobody has changed the object since it was observed. */
  readonly ifUnchanged?: boolean;
  /** When to look again, if nothing happens before. */
  readonly lookAgainMs?: number;
}
