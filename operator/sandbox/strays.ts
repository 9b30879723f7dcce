import type { Action } from './act.ts';
import type { Decision } from './decision.ts';
import type { Observed } from './observe.ts';
import { isLive } from './pod-state.ts';

/** Pods of ours that serve no more: what a recovery replaced. Not before the replacement is under way. */
export function withoutStrays(seen: Observed, decision: Decision): Decision {
  const willGo = new Set(
    decision.actions.flatMap((action) => (action.type === 'deletePod' ? [action.pod] : [])),
  );
  const strays = seen.pods.filter((pod) => pod !== seen.pod && isLive(pod) && !willGo.has(pod));
  const isReplaced =
    seen.pod !== undefined || decision.actions.some(({ type }) => type === 'createPod');
  if (strays.length === 0 || !isReplaced) return decision;
  const deletions = strays.map((pod): Action => ({ type: 'deletePod', pod }));
  return { ...decision, actions: [...decision.actions, ...deletions] };
}
