import type { Execution } from './execution.ts';
import { isFinished } from './execution.ts';
import { createdAtOf } from './identity.ts';
import { LIMITS } from './limits.ts';
import type { SandboxTemplate } from './sandbox-template.ts';

/** In which order the executions of a sandbox have their turn: the operator hands them over by it, and REST tells their place by it. */

/**
 * Whether an execution has begun as far as who asks knows, so that it holds one of the places. A new leader does not know of short runs that the one before
 * began. They are the first in order, so it begins none beside them but one that came to be known late; and what an executor has begun it does not begin again.
 */
export type HasBegun = (execution: Execution) => boolean;

/** How many executions of a sandbox may run at once. */
export function maxConcurrent(template: SandboxTemplate | undefined): number {
  return template?.spec.executions.maxConcurrent ?? LIMITS.concurrentExecutions.default;
}

/** Neither ended nor about to be gone: one that is being deleted keeps nobody waiting. */
export function takesTurn(execution: Execution): boolean {
  return !isFinished(execution) && execution.metadata.deletionTimestamp === undefined;
}

/** How many of its sandbox's other executions run or have their turn before it. */
export function countAhead(
  execution: Execution,
  all: readonly Execution[],
  hasBegun: HasBegun,
): number {
  const turn = turnOf(execution);
  const isAhead = (other: Execution): boolean =>
    other.metadata.uid !== execution.metadata.uid &&
    takesTurn(other) &&
    (hasBegun(other) || inOrder(turnOf(other), turn) < 0);
  return all.filter(isAhead).length;
}

/** `countAhead` of many executions of one sandbox, in about the time of one. */
export function aheadOfEach(
  all: readonly Execution[],
  hasBegun: HasBegun,
): (execution: Execution) => number {
  const present = all.filter(takesTurn);
  const begun = new Set(present.filter(hasBegun).map(({ metadata }) => metadata.uid));
  const waiting = present.filter(({ metadata }) => !begun.has(metadata.uid)).map(turnOf);
  waiting.sort(inOrder);
  return (execution) => {
    const others = begun.has(execution.metadata.uid) ? begun.size - 1 : begun.size;
    return others + countBefore(turnOf(execution), waiting);
  };
}

/** How many of those in order stand before it, found by halving. */
function countBefore(turn: Turn, ordered: readonly Turn[]): number {
  let low = 0;
  let high = ordered.length;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const other = ordered[middle];
    if (other !== undefined && inOrder(other, turn) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** How many of those ahead must end before one can begin. */
export function placeInQueue(ahead: number, limit: number): number {
  return Math.max(ahead - limit + 1, 0);
}

/** Those that wait and can begin now: as many as there is room for, in their order. */
export function nextInQueue(
  all: readonly Execution[],
  hasBegun: HasBegun,
  limit: number,
): readonly Execution[] {
  const present = all.filter(takesTurn);
  const waiting = present.filter((execution) => !hasBegun(execution)).map(turnOf);
  const free = Math.max(limit - (present.length - waiting.length), 0);
  const first = waiting.sort(inOrder).slice(0, free);
  return first.map(({ execution }) => execution);
}

interface Turn {
  readonly execution: Execution;
  readonly at: number;
}

function turnOf(execution: Execution): Turn {
  return { execution, at: Date.parse(createdAtOf(execution)) };
}

/** By creation; of the same moment by name, so that everybody finds the same order. */
function inOrder(one: Turn, other: Turn): number {
  if (one.at !== other.at) return one.at - other.at;
  return one.execution.metadata.name < other.execution.metadata.name ? -1 : 1;
}
