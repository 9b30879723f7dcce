import type { KubeObject } from '../../kube/objects.ts';
import type { Subject } from './backlog.ts';

/** What controllers ask of history before an object leaves the API server. */
export interface Archive {
  /** The row of this very version is written, and says that the object goes because its time is up. */
  isKept(object: KubeObject): boolean;
  /** Asks for that; `onKept` tells when it is so. */
  keep(subject: Subject): void;
}
