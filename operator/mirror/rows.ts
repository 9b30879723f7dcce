import type { Execution } from '../../crds/execution.ts';
import { SANDBOXES } from '../../crds/sandbox.ts';
import { parseKey } from '../../kube/objects.ts';
import {
  executionRow,
  sandboxRow,
  sandboxTemplateRow,
  type ExecutionRow,
  type Look,
  type SandboxRow,
  type SandboxTemplateRow,
} from '../../storage/history/record.ts';
import type { Rows } from '../../storage/history/writer.ts';
import { sandboxKeyOf } from '../caches.ts';
import type { Caches } from '../caches.ts';
import type { Entry } from './backlog.ts';

export interface RowContext {
  readonly caches: Pick<Caches, 'sandboxes'>;
  readonly now: number;
  readonly fence: number;
}

/** The rows of a batch, by table. */
export function rowsOf(batch: readonly Entry[], context: RowContext): Rows {
  const rows = {
    sandboxes: [] as SandboxRow[],
    templates: [] as SandboxTemplateRow[],
    executions: [] as ExecutionRow[],
  };
  for (const { subject, sequence, expired, gone } of batch) {
    const look: Look = { now: context.now, fence: context.fence, sequence, expired, gone };
    switch (subject.table) {
      case 'sandboxes':
        rows.sandboxes.push(sandboxRow(subject.object, look));
        break;
      case 'templates':
        rows.templates.push(sandboxTemplateRow(subject.object, look));
        break;
      case 'executions':
        rows.executions.push(
          executionRow(subject.object, sandboxUidOf(subject.object, context), look),
        );
        break;
    }
  }
  return rows;
}

/** Of its owner; one that kubectl made has none and is of the sandbox that it names. */
function sandboxUidOf(execution: Execution, { caches }: RowContext): string {
  const owner = execution.metadata.ownerReferences?.find(({ kind }) => kind === SANDBOXES.kind);
  if (owner !== undefined) return owner.uid;
  return caches.sandboxes.get(parseKey(sandboxKeyOf(execution)))?.metadata.uid ?? '';
}
