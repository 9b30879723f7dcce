import { invalidValue, requiredValue, type Cause } from './errors.ts';
import { objectAt, textAt, valueAt, isObject, type JsonObject } from './json.ts';
import type { ScalePaths } from './kinds.ts';

/** What a version of a CustomResourceDefinition says of the scale subresource; undefined: it has none. */
export function scalePaths(version: JsonObject): ScalePaths | undefined {
  if (!isObject(valueAt(version, SCALE))) return undefined;
  const scale = objectAt(version, SCALE.join('.'));
  return {
    specReplicas: fields(textAt(scale, 'specReplicasPath')),
    statusReplicas: fields(textAt(scale, 'statusReplicasPath')),
    labelSelector: fields(textAt(scale, 'labelSelectorPath')),
  };
}

const SCALE = ['subresources', 'scale'];

function fields(path: string): readonly string[] {
  return path.split('.').filter((field) => field !== '');
}

/** What is wrong with the scale subresource of the i-th version. */
export function scaleCauses(version: JsonObject, i: number): readonly Cause[] {
  if (!isObject(valueAt(version, SCALE))) return [];
  const at = `spec.versions[${String(i)}].subresources.scale`;
  const scale = objectAt(version, SCALE.join('.'));
  return [
    ...pathCauses(scale, `${at}.specReplicasPath`, '.spec'),
    ...pathCauses(scale, `${at}.statusReplicasPath`, '.status'),
  ];
}

function pathCauses(scale: JsonObject, at: string, below: string): readonly Cause[] {
  const path = textAt(scale, at.slice(at.lastIndexOf('.') + 1));
  if (path === '') return [requiredValue(at)];
  if (path.startsWith(`${below}.`)) return [];
  return [invalidValue(at, path, `should be a json path under ${below}`)];
}

/** What is wrong with the number that `.spec` of an object says. */
export function replicasCauses(
  paths: ScalePaths | undefined,
  object: JsonObject,
): readonly Cause[] {
  if (paths === undefined) return [];
  const found = valueAt(object, paths.specReplicas);
  if (typeof found !== 'number' || found >= 0) return [];
  const field = `.${paths.specReplicas.join('.')}`;
  return [invalidValue(field, found, 'should be a non-negative integer')];
}
