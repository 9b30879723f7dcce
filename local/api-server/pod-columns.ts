import { AGE, NAME, text } from './columns.ts';
import { isObject, listAt, objectAt, textAt, type JsonObject } from './json.ts';
import type { Column } from './kinds.ts';
import type { StoredObject } from './objects.ts';
import { containers } from './pods.ts';

/** What `kubectl get pods` shows. */
export const POD_COLUMNS: readonly Column[] = [
  NAME,
  {
    name: 'Ready',
    type: 'string',
    description: 'Containers that are ready, of all.',
    cell: readyCell,
  },
  {
    name: 'Status',
    type: 'string',
    description: 'What its containers are doing.',
    cell: statusCell,
  },
  {
    name: 'Restarts',
    type: 'string',
    description: 'How often its containers were started anew.',
    cell: restartsCell,
  },
  AGE,
  { name: 'IP', type: 'string', priority: 1, cell: (pod) => orNone(textAt(pod, 'status.podIP')) },
  {
    name: 'Node',
    type: 'string',
    priority: 1,
    cell: (pod) => orNone(textAt(pod, 'spec.nodeName')),
  },
  { ...text('Nominated Node', 'status.nominatedNodeName', 1), cell: () => '<none>' },
  { ...text('Readiness Gates', '', 1), cell: () => '<none>' },
];

function orNone(value: string): string {
  return value === '' ? '<none>' : value;
}

function statuses(pod: StoredObject): readonly JsonObject[] {
  return listAt(pod, 'status.containerStatuses').filter(isObject);
}

function readyCell(pod: StoredObject): string {
  const ready = statuses(pod).filter((status) => status['ready'] === true).length;
  return `${String(ready)}/${String(containers(objectAt(pod, 'spec')).length)}`;
}

function restartsCell(pod: StoredObject): string {
  const restarts = statuses(pod).map((status) => Number(status['restartCount'] ?? 0));
  return String(restarts.reduce((sum, one) => sum + one, 0));
}

function statusCell(pod: StoredObject): string {
  const reasons = statuses(pod).map((status) => containerReason(objectAt(status, 'state')));
  const said = reasons.find((reason) => reason !== '') ?? textAt(pod, 'status.reason');
  if (pod.metadata.deletionTimestamp !== undefined) return 'Terminating';
  return said === '' ? textAt(pod, 'status.phase') : said;
}

function containerReason(state: JsonObject): string {
  const ended = objectAt(state, 'terminated');
  const reason =
    textAt(state, 'waiting.reason') === ''
      ? textAt(ended, 'reason')
      : textAt(state, 'waiting.reason');
  if (reason !== '' || state['terminated'] === undefined) return reason;
  return typeof ended['signal'] === 'number' && ended['signal'] > 0
    ? `Signal:${String(ended['signal'])}`
    : `ExitCode:${JSON.stringify(ended['exitCode'] ?? 0)}`;
}
