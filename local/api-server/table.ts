import type { Json, JsonObject } from './json.ts';
import type { Column, Kind } from './kinds.ts';
import type { StoredObject } from './objects.ts';
import type { Entry } from './storage.ts';
import { textOf } from './watch-hub.ts';

export type IncludeObject = 'None' | 'Metadata' | 'Object';

/** meta.k8s.io/v1 Table of `entries`; of a watch's events only the first defines the columns. */
export function table(
  kind: Kind,
  rows: readonly JsonObject[],
  { metadata, define }: { metadata: JsonObject; define: boolean },
): JsonObject {
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: define ? kind.columns.map(definition) : null,
    rows,
  };
}

function definition({
  name,
  type,
  format = '',
  description = '',
  priority = 0,
}: Column): JsonObject {
  return { name, type, format, description, priority };
}

export function row(
  kind: Kind,
  entry: Entry,
  { include, now }: { include: IncludeObject; now: number },
): JsonObject {
  const cells = kind.columns.map((column): Json => column.cell(entry.object, now) ?? null);
  return { cells, object: included(kind, entry, include) };
}

function included(kind: Kind, entry: Entry, include: IncludeObject): Json {
  if (include === 'None') return null;
  if (include === 'Metadata') return metadataOnly(entry.object);
  const whole: Json = JSON.parse(textOf(kind, entry)) as Json;
  return whole;
}

/** meta.k8s.io/v1 PartialObjectMetadata. */
export function metadataOnly(object: StoredObject): JsonObject {
  return { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: object.metadata };
}
