import { JSONPath } from 'jsonpath-plus';
import { isObject, listAt, textAt, valueAt, type Json, type JsonObject } from './json.ts';
import type { Column } from './kinds.ts';

export const NAME: Column = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'Name must be unique within a namespace.',
  cell: (object) => object.metadata.name,
};

export const AGE: Column = {
  name: 'Age',
  type: 'date',
  description: 'Time since the object was created.',
  cell: (object, now) => since(object.metadata.creationTimestamp, now),
};

/** A column of a built-in kind. */
export function text(name: string, path: string, priority = 0): Column {
  return { name, type: 'string', priority, cell: (object) => textAt(object, path) };
}

/** A column as `additionalPrinterColumns` of a CustomResourceDefinition describes it. */
export function printerColumn(given: JsonObject): Column {
  const jsonPath = textAt(given, 'jsonPath');
  const type = textAt(given, 'type');
  const priority = given['priority'];
  const description = textAt(given, 'description');
  return {
    name: textAt(given, 'name'),
    type,
    format: textAt(given, 'format'),
    description:
      description === ''
        ? `Custom resource definition column (in JSONPath format): ${jsonPath}`
        : description,
    priority: typeof priority === 'number' ? priority : 0,
    cell: (object, now) => shown(type, first(object, jsonPath), now),
  };
}

function first(object: JsonObject, jsonPath: string): unknown {
  // kubectl's dialect leaves the root out.
  const found: unknown = JSONPath({ path: `$${jsonPath}`, json: object, eval: 'safe' });
  return Array.isArray(found) ? found[0] : undefined;
}

/** A value that is not of the column's type is shown as nothing. */
function shown(type: string, value: unknown, now: number): Json {
  if (value === undefined || value === null) return null;
  if (type === 'string') return typeof value === 'string' ? value : JSON.stringify(value);
  if (typeof value === 'string') return type === 'date' ? since(value, now) : null;
  if (typeof value === 'boolean') return type === 'boolean' ? value : null;
  return typeof value === 'number' ? shownNumber(type, value) : null;
}

function shownNumber(type: string, value: number): Json {
  if (type === 'integer') return Math.trunc(value);
  return type === 'number' ? value : null;
}

/** How long ago `time` was, as kubectl says it. */
export function since(time: Json | undefined, now: number): string {
  if (typeof time !== 'string') return '<unknown>';
  return humanDuration(Math.trunc((now - Date.parse(time)) / 1000));
}

/** k8s.io/apimachinery/pkg/util/duration.HumanDuration: two units at most, fewer the longer it is. */
export function humanDuration(seconds: number): string {
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  const [, format] = SCALES.find(([below]) => seconds < below) ?? [];
  return format === undefined ? pair(seconds, [YEAR, 'y'], [DAY, '']) : format(seconds);
}

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;

const SCALES: readonly (readonly [number, (seconds: number) => string])[] = [
  [2 * MINUTE, (s) => `${String(s)}s`],
  [10 * MINUTE, (s) => pair(s, [MINUTE, 'm'], [1, 's'])],
  [3 * HOUR, (s) => pair(s, [MINUTE, 'm'], [1, ''])],
  [8 * HOUR, (s) => pair(s, [HOUR, 'h'], [MINUTE, 'm'])],
  [2 * DAY, (s) => pair(s, [HOUR, 'h'], [MINUTE, ''])],
  [8 * DAY, (s) => pair(s, [DAY, 'd'], [HOUR, 'h'])],
  [2 * YEAR, (s) => pair(s, [DAY, 'd'], [HOUR, ''])],
  [8 * YEAR, (s) => pair(s, [YEAR, 'y'], [DAY, 'd'])],
];

function pair(
  seconds: number,
  [big, bigName]: readonly [number, string],
  [small, smallName]: readonly [number, string],
): string {
  const rest = Math.floor((seconds % big) / small);
  return `${String(Math.floor(seconds / big))}${bigName}${smallName === '' || rest === 0 ? '' : `${String(rest)}${smallName}`}`;
}

export function count(object: JsonObject, path: string): number {
  const found = valueAt(object, path.split('.'));
  return isObject(found) ? Object.keys(found).length : listAt(object, path).length;
}
