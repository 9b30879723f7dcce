import { EXECUTOR_LIMITS, type OutputEvent } from '../../executor/contract.ts';
import { textPieces } from '../../executor/text-pieces.ts';
import type { Ending } from './run-end.ts';

/** Output as a stream tells of it. */
export type StreamedOutput =
  | Exclude<OutputEvent, { type: 'end' }>
  /** From the recorded outcome, which knows no numbers. */
  | { readonly type: 'stdout' | 'stderr'; readonly n?: undefined; readonly data: string }
  /** How much is missing, if anything, is not known. */
  | { readonly type: 'gap'; readonly n?: undefined; readonly bytes: null };

/** What the outcome holds, for who has seen nothing yet; who has, cannot be told what of it is new. */
export function* keptOutput(ending: Ending, next: number): Generator<StreamedOutput> {
  if (ending.type === 'error') return;
  if (next > 0) {
    yield { type: 'gap', bytes: null };
    return;
  }
  const { status } = ending.run.execution;
  for (const type of ['stdout', 'stderr'] as const) {
    const text = status?.[type]?.text ?? '';
    for (const data of textPieces(text, EXECUTOR_LIMITS.eventCharacters)) yield { type, data };
  }
}
