import { parse } from 'yaml';
import { badRequest, StatusError } from './errors.ts';
import {
  fieldsOf,
  isAtomic,
  itemShape,
  leaves,
  listKeys,
  pathText,
  read,
  removed,
  shapeOf,
  stepOf,
  subset,
  withoutPath,
  type FieldPath,
  type FieldSet,
  type Shape,
} from './field-sets.ts';
import {
  isList,
  isObject,
  objectAt,
  same,
  textAt,
  without,
  type Json,
  type JsonObject,
} from './json.ts';
import { apiVersionOf, type Kind } from './kinds.ts';
import { parseObject, withFields, withMeta, type ApiObject, type StoredObject } from './objects.ts';

/** Who applies, and how. */
export interface Applying {
  readonly kind: Kind;
  readonly manager: string;
  /** Take over what others own instead of failing. */
  readonly force: boolean;
  readonly subresource: string;
  readonly now: string;
}

/**
 * Server-side apply: fields of the configuration are set, fields that this manager applied before and left out now are removed unless another
 * applier has them. Only appliers own fields here; what plain updates write belongs to nobody.
 */
export function applied(
  how: Applying,
  body: string,
): (current: StoredObject | undefined) => ApiObject {
  const config = configuration(how, body);
  const shape: Shape = { schema: how.kind.schema, byName: how.kind.strategy.strategicPatch };
  return (current) => {
    const fields = ownable(how, config);
    const owned = fieldsOf(shape, fields);
    const managers = listManagers(current);
    const others = managers.filter((one) => !isMine(how, one));
    const conflicts = conflictsWith(others, { current, fields, owned });
    if (conflicts.length > 0 && !how.force) throw conflicted(conflicts);
    const before = current ?? withFields(config, {});
    const dropped = abandoned(
      objectAt(
        managers.find((one) => isMine(how, one)),
        'fieldsV1',
      ),
      { owned, others },
    );
    const live = dropped.reduce<Json | undefined>(removed, before);
    const { object } = parseObject(mergeObject(shape, isObject(live) ? live : {}, fields));
    const { uid, resourceVersion } = config.metadata;
    return withMeta(object, {
      ...(uid === undefined ? {} : { uid }),
      ...(resourceVersion === undefined ? {} : { resourceVersion }),
      managedFields: [
        ...others.flatMap((one) => relinquished(one, conflicts)),
        mine(how, owned, managers),
      ],
    });
  };
}

function configuration({ kind }: Applying, body: string): ApiObject {
  const given: unknown = yaml(body);
  const type = `${textAt(isObject(given) ? given : {}, 'apiVersion')}, Kind=${textAt(isObject(given) ? given : {}, 'kind')}`;
  if (
    !isObject(given) ||
    given['kind'] !== kind.kind ||
    given['apiVersion'] !== apiVersionOf(kind)
  ) {
    throw badRequest(`invalid object type: ${type === ', Kind=' ? '/, Kind=' : type}`);
  }
  const { object } = parseObject(given);
  if (object.metadata.managedFields !== undefined)
    throw badRequest('metadata.managedFields must be nil');
  return object;
}

function yaml(body: string): unknown {
  try {
    return parse(body);
  } catch (error) {
    throw badRequest(
      `error decoding YAML: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

const IDENTITY = [
  'name',
  'generateName',
  'namespace',
  'uid',
  'resourceVersion',
  'generation',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
  'selfLink',
  'managedFields',
];

/** The part of a configuration that can be owned through this (sub)resource. */
function ownable({ kind, subresource }: Applying, config: ApiObject): JsonObject {
  if (subresource === 'status')
    return config['status'] === undefined ? {} : { status: config['status'] };
  const metadata = without(config.metadata, ...IDENTITY);
  const rest = without(
    config,
    'apiVersion',
    'kind',
    'metadata',
    ...(kind.hasStatus ? ['status'] : []),
  );
  return Object.keys(metadata).length === 0 ? rest : { ...rest, metadata };
}

function listManagers(current: StoredObject | undefined): readonly JsonObject[] {
  return current?.metadata.managedFields ?? [];
}

function isMine({ manager, subresource }: Applying, entry: JsonObject): boolean {
  return (
    entry['operation'] === 'Apply' &&
    entry['manager'] === manager &&
    textAt(entry, 'subresource') === subresource
  );
}

interface Conflict {
  readonly manager: string;
  readonly path: FieldPath;
}

interface Proposal {
  readonly current: StoredObject | undefined;
  readonly fields: JsonObject;
  readonly owned: FieldSet;
}

/** Fields that another applier set to something else. */
function conflictsWith(
  others: readonly JsonObject[],
  { current, fields, owned }: Proposal,
): readonly Conflict[] {
  const changed = leaves(owned).filter((path) => !same(read(current, path), read(fields, path)));
  return others.flatMap((other) =>
    changed
      .filter(
        (path) =>
          subset(objectAt(other, 'fieldsV1'), path) !== undefined && !isObject(read(fields, path)),
      )
      .map((path) => ({ manager: textAt(other, 'manager'), path }))
      .sort((left, right) => (pathText(left.path) < pathText(right.path) ? -1 : 1)),
  );
}

function conflicted(conflicts: readonly Conflict[]): StatusError {
  const managers = [...new Set(conflicts.map(({ manager }) => manager))];
  const one = conflicts.length === 1;
  const lists = managers.map((manager) => {
    const paths = conflicts
      .filter((conflict) => conflict.manager === manager)
      .map(({ path }) => pathText(path));
    return one
      ? `conflict with ${JSON.stringify(manager)}: ${paths.join('')}`
      : `conflicts with ${JSON.stringify(manager)}:\n- ${paths.join('\n- ')}`;
  });
  const causes = conflicts.map(({ manager, path }) => ({
    reason: 'FieldManagerConflict',
    message: `conflict with ${JSON.stringify(manager)}`,
    field: pathText(path),
  }));
  return new StatusError({
    code: 409,
    reason: 'Conflict',
    message: `Apply failed with ${String(conflicts.length)} conflict${one ? '' : 's'}: ${lists.join('\n')}`,
    details: { causes },
  });
}

/** What this manager had before, has no longer, and nobody else has. */
function abandoned(
  before: FieldSet,
  { owned, others }: { owned: FieldSet; others: readonly JsonObject[] },
): readonly FieldPath[] {
  const taken = [owned, ...others.map((other) => objectAt(other, 'fieldsV1'))];
  return leaves(before).filter((path) => !taken.some((set) => subset(set, path) !== undefined));
}

function relinquished(other: JsonObject, conflicts: readonly Conflict[]): readonly JsonObject[] {
  const lost = conflicts.filter(({ manager }) => manager === other['manager']);
  const fieldsV1 = lost.reduce(
    (set, { path }) => withoutPath(set, path),
    objectAt(other, 'fieldsV1'),
  );
  return Object.keys(fieldsV1).length === 0 ? [] : [{ ...other, fieldsV1 }];
}

function mine(how: Applying, fieldsV1: FieldSet, managers: readonly JsonObject[]): JsonObject {
  const old = managers.find((one) => isMine(how, one));
  if (old !== undefined && same(old['fieldsV1'], fieldsV1)) return old;
  return {
    manager: how.manager,
    operation: 'Apply',
    apiVersion: apiVersionOf(how.kind),
    time: how.now,
    fieldsType: 'FieldsV1',
    fieldsV1,
    ...(how.subresource === '' ? {} : { subresource: how.subresource }),
  };
}

function mergeObject(shape: Shape, current: JsonObject, config: JsonObject): JsonObject {
  const merged: Record<string, Json | undefined> = { ...current };
  for (const [key, value] of Object.entries(config)) {
    merged[key] = mergeValue(shapeOf(shape, key), key, [current[key], value]);
  }
  return merged;
}

function mergeValue(
  shape: Shape,
  key: string,
  [current, value]: readonly [Json | undefined, Json | undefined],
): Json | undefined {
  if (isObject(value))
    return isAtomic(shape) ? value : mergeObject(shape, isObject(current) ? current : {}, value);
  const keys = listKeys(shape, key);
  return isList(value) && isList(current) && keys !== undefined
    ? mergeList(shape, keys, [current, value])
    : value;
}

function mergeList(
  shape: Shape,
  keys: readonly string[],
  [current, config]: readonly [readonly Json[], readonly Json[]],
): readonly Json[] {
  const steps = new Map(config.map((item) => [stepOf(item, keys), item]));
  const kept = current.map((item) => {
    const step = stepOf(item, keys);
    const wanted = steps.get(step);
    steps.delete(step);
    return isObject(item) && isObject(wanted) ? mergeObject(itemShape(shape), item, wanted) : item;
  });
  return [...kept, ...steps.values()];
}
