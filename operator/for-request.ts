import { ANNOTATION } from '../crds/names.ts';
import type { ExecutorTarget } from '../executor/client.ts';
import { requestId } from '../executor/contract.ts';
import type { KubeObject } from '../kube/objects.ts';

/** The id of the request that an object was made by, if one of REST made it. Anybody can have written the annotation, so not every text is passed on. */
export function requestIdOf({ metadata }: KubeObject): string | undefined {
  return requestId.safeParse(metadata.annotations?.[ANNOTATION.requestId]).data;
}

/** The executor, with word of whose request calls to it are made for. */
export function forRequest(target: ExecutorTarget, object: KubeObject): ExecutorTarget {
  const id = requestIdOf(object);
  return id === undefined ? target : { ...target, requestId: id };
}
