import { forbiddenValue, invalid, invalidValue } from './errors.ts';
import { objectAt, same, textAt, without, type JsonObject } from './json.ts';
import { withFields, withMeta, type ApiObject, type StoredObject } from './objects.ts';
import { containers, qosClass } from './pods.ts';

const FIXED = 'only cpu and memory resources are mutable';

/** The pod with the resources of `given`, as `pods/resize` lets them be changed (KEP-1287); throws a StatusError where it does not. */
export function resizedPod(pod: StoredObject, given: ApiObject): StoredObject {
  const spec = objectAt(given, 'spec');
  const subject = { group: '', kind: 'Pod', name: pod.metadata.name };
  if (!same(fixedPart(spec), fixedPart(objectAt(pod, 'spec'))))
    throw invalid(subject, [forbiddenValue('spec', FIXED)]);
  const before = textAt(pod, 'status.qosClass');
  if (qosClass(given) !== before) {
    const why = 'Pod QOS Class may not change as a result of resizing';
    throw invalid(subject, [invalidValue('spec', qosClass(given), why)]);
  }
  if (same(spec, objectAt(pod, 'spec'))) return pod;
  const { generation = 0 } = pod.metadata;
  return withMeta(withFields(pod, { spec }), { generation: generation + 1 });
}

function fixedPart(spec: JsonObject): JsonObject {
  const all = containers(spec).map((container) => ({
    ...container,
    resources: {
      ...objectAt(container, 'resources'),
      requests: fixedAmounts(container, 'requests'),
      limits: fixedAmounts(container, 'limits'),
    },
  }));
  return { ...spec, containers: all };
}

function fixedAmounts(container: JsonObject, part: string): JsonObject {
  return without(objectAt(container, `resources.${part}`), 'cpu', 'memory');
}
