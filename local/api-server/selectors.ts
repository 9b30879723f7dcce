import { badRequest } from './errors.ts';
import type { Kind } from './kinds.ts';
import type { ApiObject } from './objects.ts';

export type Matches = (object: ApiObject) => boolean;

/** The conjunction of a label and a field selector as they come in a query; undefined if there is nothing to select. */
export function selector(kind: Kind, labels: string, fields: string): Matches | undefined {
  const tests = [
    ...split(labels).map(labelTest),
    ...split(fields).map((text) => fieldTest(kind, text)),
  ];
  return tests.length === 0 ? undefined : (object) => tests.every((test) => test(object));
}

/** At commas, but not at those of `in (a, b)`. */
function split(text: string): readonly string[] {
  return text
    .split(/,(?![^(]*\))/)
    .map((part) => part.trim())
    .filter((part) => part !== '');
}

const KEY = '[A-Za-z0-9][-A-Za-z0-9_./]*';
const IS = new RegExp(`^(${KEY})\\s*(==|=|!=)\\s*([-A-Za-z0-9_.]*)$`);
const AMONG = new RegExp(`^(${KEY})\\s+(in|notin)\\s*\\(([^)]*)\\)$`);
const EXISTS = new RegExp(`^(!?)\\s*(${KEY})$`);

function labelTest(text: string): Matches {
  return equality(text) ?? membership(text) ?? existence(text) ?? unparsable(text);
}

function equality(text: string): Matches | undefined {
  const [, key, operator, value] = IS.exec(text) ?? [];
  if (key === undefined) return undefined;
  return (object) => (label(object, key) === value) === (operator !== '!=');
}

function membership(text: string): Matches | undefined {
  const [, key, operator, list] = AMONG.exec(text) ?? [];
  if (key === undefined || list === undefined) return undefined;
  const values: ReadonlySet<string | undefined> = new Set(
    list.split(',').map((value) => value.trim()),
  );
  return (object) => values.has(label(object, key)) === (operator === 'in');
}

function existence(text: string): Matches | undefined {
  const [, not, key] = EXISTS.exec(text) ?? [];
  if (key === undefined) return undefined;
  return (object) => (label(object, key) === undefined) === (not === '!');
}

function unparsable(text: string): never {
  throw badRequest(
    `unable to parse requirement: ${JSON.stringify(text)} is not a label requirement`,
  );
}

function label(object: ApiObject, key: string): string | undefined {
  return object.metadata.labels?.[key];
}

function fieldTest(kind: Kind, text: string): Matches {
  const [, path, operator, value] = /^([^=!]+?)\s*(==|=|!=)\s*(.*)$/.exec(text) ?? [];
  if (path === undefined)
    throw badRequest(`invalid selector: '${text}'; can't understand '${text}'`);
  const read = fieldOf(kind, path);
  return (object) => (read(object) === value) === (operator !== '!=');
}

function fieldOf(kind: Kind, path: string): (object: ApiObject) => string {
  if (path === 'metadata.name') return (object) => object.metadata.name ?? '';
  if (path === 'metadata.namespace' && kind.namespaced)
    return (object) => object.metadata.namespace ?? '';
  const read = kind.strategy.fields[path];
  if (read === undefined) throw badRequest(`field label not supported: ${path}`);
  return read;
}
