import { badRequest, invalidValue, requiredValue, type Cause } from './errors.ts';
import { since } from './columns.ts';
import { objectAt, textAt, valueAt, type Json, type JsonObject } from './json.ts';
import { PLAIN_STRATEGY, type Column, type Strategy } from './kinds.ts';
import type { ApiObject, StoredObject } from './objects.ts';

/** core/v1 Event, the form in which events are kept; events.k8s.io/v1 is a view of it with other names for the same things. */
export const EVENT_STRATEGY: Strategy = {
  ...PLAIN_STRATEGY,
  decode: (event) => {
    checkMicroTime(event, 'eventTime');
    return { object: { ...ABSENT, ...event }, unknown: [] };
  },
  validate: (event) => typeCauses(event),
  createOnUpdate: true,
  fields: {
    ...Object.fromEntries(
      ['kind', 'namespace', 'name', 'uid', 'apiVersion', 'resourceVersion', 'fieldPath'].map(
        (field) => [
          `involvedObject.${field}`,
          (event: ApiObject) => textAt(event, `involvedObject.${field}`),
        ],
      ),
    ),
    reason: (event) => textAt(event, 'reason'),
    type: (event) => textAt(event, 'type'),
    source: (event) => sourceOf(event),
    reportingComponent: (event) => textAt(event, 'reportingComponent'),
  },
};

export const NEW_EVENT_STRATEGY: Strategy = {
  ...EVENT_STRATEGY,
  validate: (event, old) => [
    ...(old === undefined ? requiredCauses(event) : []),
    ...typeCauses(event),
  ],
};

const ABSENT = {
  firstTimestamp: null,
  lastTimestamp: null,
  eventTime: null,
  source: {},
  reportingComponent: '',
  reportingInstance: '',
};

/** Go's MicroTime takes exactly six digits (kubernetes-client/javascript#828). */
export function checkMicroTime(object: ApiObject, path: string): void {
  const time = valueAt(object, path.split('.'));
  if (time === undefined || time === null) return;
  if (
    typeof time === 'string' &&
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}(Z|[+-]\d\d:\d\d)$/.test(time)
  )
    return;
  const { kind, apiVersion } = object;
  const version = apiVersion.slice(apiVersion.lastIndexOf('/') + 1);
  throw badRequest(
    `${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: parsing time ${JSON.stringify(time)} as "2006-01-02T15:04:05.000000Z07:00": it needs six digits of a second`,
  );
}

function requiredCauses(event: ApiObject): readonly Cause[] {
  const named = [
    ['eventTime', 'eventTime'],
    ['reportingComponent', 'reportingController'],
    ['reportingInstance', 'reportingInstance'],
    ['action', 'action'],
    ['reason', 'reason'],
  ] as const;
  return named
    .filter(([kept]) => textAt(event, kept) === '')
    .map(([, name]) => requiredValue(name));
}

function typeCauses(event: ApiObject): readonly Cause[] {
  const type = textAt(event, 'type');
  return ['', 'Normal', 'Warning'].includes(type)
    ? []
    : [invalidValue('type', '', `has invalid value: ${type}`)];
}

const RENAMED: readonly (readonly [kept: string, shown: string])[] = [
  ['involvedObject', 'regarding'],
  ['message', 'note'],
  ['source', 'deprecatedSource'],
  ['firstTimestamp', 'deprecatedFirstTimestamp'],
  ['lastTimestamp', 'deprecatedLastTimestamp'],
  ['count', 'deprecatedCount'],
  ['reportingComponent', 'reportingController'],
];

export const NEW_EVENT_VIEW = {
  toStored: (event: ApiObject): ApiObject => ({
    ...renamed(
      event,
      RENAMED.map(([kept, shown]) => [shown, kept] as const),
    ),
    apiVersion: 'v1',
    kind: event.kind,
    metadata: event.metadata,
  }),
  fromStored: (event: StoredObject): StoredObject => ({
    ...renamed(event, RENAMED),
    apiVersion: 'events.k8s.io/v1',
    kind: event.kind,
    metadata: event.metadata,
  }),
};

function renamed(object: JsonObject, names: readonly (readonly [string, string])[]): JsonObject {
  const known = new Map(names);
  return Object.fromEntries(
    Object.entries(object).map(([key, value]) => [known.get(key) ?? key, value]),
  );
}

function sourceOf(event: JsonObject): string {
  const component = textAt(event, 'source.component');
  return component === '' ? textAt(event, 'reportingComponent') : component;
}

function objectName(event: StoredObject): string {
  const about = objectAt(event, 'involvedObject');
  return `${textAt(about, 'kind').toLowerCase()}/${textAt(about, 'name')}`;
}

function lastSeen(event: StoredObject): Json | undefined {
  return (
    valueAt(event, ['series', 'lastObservedTime']) ?? event['lastTimestamp'] ?? firstSeen(event)
  );
}

function firstSeen(event: StoredObject): Json | undefined {
  return event['firstTimestamp'] ?? event['eventTime'];
}

function occurrences(event: StoredObject): Json {
  return valueAt(event, ['series', 'count']) ?? event['count'] ?? 1;
}

/** Of the kept form. */
export const EVENT_COLUMNS: readonly Column[] = [
  { name: 'Last Seen', type: 'string', cell: (event, now) => since(lastSeen(event), now) },
  { name: 'Type', type: 'string', cell: (event) => textAt(event, 'type') },
  { name: 'Reason', type: 'string', cell: (event) => textAt(event, 'reason') },
  { name: 'Object', type: 'string', cell: objectName },
  {
    name: 'Subobject',
    type: 'string',
    priority: 1,
    cell: (event) => textAt(event, 'involvedObject.fieldPath'),
  },
  { name: 'Source', type: 'string', priority: 1, cell: sourceOf },
  { name: 'Message', type: 'string', cell: (event) => textAt(event, 'message').trim() },
  {
    name: 'First Seen',
    type: 'string',
    priority: 1,
    cell: (event, now) => since(firstSeen(event), now),
  },
  { name: 'Count', type: 'string', priority: 1, cell: occurrences },
  { name: 'Name', type: 'string', priority: 1, cell: (event) => event.metadata.name },
];
