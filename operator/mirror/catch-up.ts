import type { Clock } from '../../kube/clock.ts';
import type { HistoryWriter, OpenRow, Table } from '../../storage/history/writer.ts';
import type { Caches } from '../caches.ts';
import type { Backlog, Subject } from './backlog.ts';

export interface CatchUpDeps {
  readonly writer: HistoryWriter;
  readonly caches: Caches;
  readonly backlog: Backlog;
  readonly clock: Clock;
  readonly fence: number;
}

/**
 * Brings rows and objects together after a start, an outage or a restored backup: what has no row of its version is noted, and rows whose objects are
 * nowhere are closed. Should a cache be behind an earlier leader's, then an object that it shows later opens its row again.
 */
export async function catchUp(deps: CatchUpDeps, signal: AbortSignal): Promise<void> {
  for (const subjects of [...subjectsOf(deps.caches)]) await catchUpTable(deps, subjects, signal);
}

interface TableSubjects {
  readonly table: Table;
  readonly subjects: readonly Subject[];
}

function* subjectsOf({ sandboxes, templates, executions }: Caches): Iterable<TableSubjects> {
  const of = <T extends Subject['table']>(table: T, objects: readonly unknown[]) => ({
    table,
    subjects: objects.map((object) => ({ table, object }) as Subject),
  });
  yield of('sandboxes', sandboxes.list());
  yield of('templates', templates.list());
  yield of('executions', executions.list());
}

async function catchUpTable(
  deps: CatchUpDeps,
  { table, subjects }: TableSubjects,
  signal: AbortSignal,
): Promise<void> {
  const { backlog, clock } = deps;
  const unseen = new Map(subjects.map((subject) => [subject.object.metadata.uid, subject]));
  for await (const page of deps.writer.openPages(table)) {
    signal.throwIfAborted();
    const isLost = ({ uid }: OpenRow): boolean => !unseen.has(uid) && !backlog.has(uid);
    await closeAll(deps, table, page.filter(isLost));
    for (const { uid, resourceVersion } of page) {
      if (unseen.get(uid)?.object.metadata.resourceVersion === resourceVersion) unseen.delete(uid);
    }
  }
  for (const [uid, subject] of unseen) {
    if (!backlog.has(uid)) backlog.note(subject, clock.monotonic());
  }
}

async function closeAll(
  { writer, backlog, clock, fence }: CatchUpDeps,
  table: Table,
  rows: readonly OpenRow[],
): Promise<void> {
  if (rows.length === 0) return;
  const closing = { now: clock.now(), fence, sequence: backlog.nextSequence() };
  await writer.close(
    table,
    rows.map(({ uid }) => uid),
    closing,
  );
}
