import {
  badRequest,
  conflict,
  forbiddenValue,
  invalidValue,
  requiredValue,
  type Cause,
} from './errors.ts';
import {
  isObject,
  listAt,
  objectAt,
  same,
  textAt,
  valueAt,
  without,
  type Json,
  type JsonObject,
} from './json.ts';
import { PLAIN_STRATEGY, type Strategy } from './kinds.ts';
import { withFields, type ApiObject, type StoredObject } from './objects.ts';

/** core/v1 Pod as far as this project meets it: the defaults, rules and graceful deletion of the real one. */
export const POD_STRATEGY: Strategy = {
  ...PLAIN_STRATEGY,
  decode: (pod) => ({
    object: { ...pod, spec: defaultedSpec(objectAt(pod, 'spec')) },
    unknown: [],
  }),
  beforeCreate: (pod) => ({ ...pod, status: { phase: 'Pending', qosClass: qosClass(pod) } }),
  validate: (pod, old) => [
    ...containerCauses(pod),
    ...(old === undefined ? [] : changeCauses(pod, old)),
  ],
  counted: (pod) => objectAt(pod, 'spec'),
  gracePeriodSeconds,
  returnsDeleted: true,
  fields: Object.fromEntries(
    [
      'spec.nodeName',
      'spec.restartPolicy',
      'spec.schedulerName',
      'spec.serviceAccountName',
      'status.phase',
      'status.podIP',
    ].map((path) => [path, (pod: ApiObject) => textAt(pod, path)]),
  ),
};

/** A pod that no kubelet has to stop goes at once; so does one whose containers have ended. */
function gracePeriodSeconds(pod: StoredObject, asked: number | undefined): number {
  const phase = textAt(pod, 'status.phase');
  if (textAt(pod, 'spec.nodeName') === '' || phase === 'Failed' || phase === 'Succeeded') return 0;
  const own = valueAt(pod, ['spec', 'terminationGracePeriodSeconds']);
  const wanted = asked ?? (typeof own === 'number' ? own : 30);
  return wanted < 0 ? 1 : wanted;
}

/** The pod on its node, as a scheduler's binding leaves it; throws a StatusError if it has a node or is being deleted. */
export function boundPod(
  pod: StoredObject,
  { node, now }: { node: string; now: string },
): StoredObject {
  const { name, deletionTimestamp } = pod.metadata;
  const taken = textAt(pod, 'spec.nodeName');
  const subject = { group: '', kind: 'pods/binding', name };
  if (deletionTimestamp !== undefined)
    throw conflict(subject, `pod ${name} is being deleted, cannot be assigned to a host`);
  if (taken !== '')
    throw conflict(subject, `pod ${name} is already assigned to node ${JSON.stringify(taken)}`);
  const others = listAt(pod, 'status.conditions').filter(
    (condition) => textAt(condition, 'type') !== 'PodScheduled',
  );
  const scheduled = {
    type: 'PodScheduled',
    status: 'True',
    lastProbeTime: null,
    lastTransitionTime: now,
  };
  return withFields(pod, {
    spec: { ...objectAt(pod, 'spec'), nodeName: node },
    status: { ...objectAt(pod, 'status'), conditions: [...others, scheduled] },
  });
}

function defaultedSpec(spec: JsonObject): JsonObject {
  const account =
    textAt(spec, 'serviceAccountName') === '' ? 'default' : textAt(spec, 'serviceAccountName');
  return {
    restartPolicy: 'Always',
    terminationGracePeriodSeconds: 30,
    dnsPolicy: 'ClusterFirst',
    serviceAccountName: account,
    serviceAccount: account,
    securityContext: {},
    schedulerName: 'default-scheduler',
    enableServiceLinks: true,
    ...spec,
    containers: containers(spec).map(defaultedContainer),
  };
}

function defaultedContainer(container: JsonObject): JsonObject {
  const image = textAt(container, 'image');
  const latest = /^[^:@]*$|:latest$/.test(image.slice(image.lastIndexOf('/') + 1));
  return {
    terminationMessagePath: '/dev/termination-log',
    terminationMessagePolicy: 'File',
    imagePullPolicy: latest ? 'Always' : 'IfNotPresent',
    ...container,
    resources: defaultedResources(objectAt(container, 'resources')),
  };
}

/** What is limited is also requested. */
function defaultedResources(resources: JsonObject): JsonObject {
  const limits = objectAt(resources, 'limits');
  for (const quantity of [
    ...Object.values(limits),
    ...Object.values(objectAt(resources, 'requests')),
  ])
    checkQuantity(quantity);
  if (Object.keys(limits).length === 0) return resources;
  return { ...resources, requests: { ...limits, ...objectAt(resources, 'requests') } };
}

function checkQuantity(quantity: Json | undefined): void {
  if (
    !/^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$/.test(
      typeof quantity === 'number' ? String(quantity) : textAt({ quantity }, 'quantity'),
    )
  ) {
    throw badRequest(
      'Pod in version "v1" cannot be handled as a Pod: quantities must match the regular expression \'^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$\'',
    );
  }
}

/** The containers of a pod's spec that are objects. */
export function containers(spec: JsonObject): readonly JsonObject[] {
  return listAt(spec, 'containers').filter(isObject);
}

export function qosClass(pod: ApiObject): string {
  const all = containers(objectAt(pod, 'spec')).map((container) =>
    objectAt(container, 'resources'),
  );
  if (all.every((one) => Object.keys(objectAt(one, 'requests')).length === 0)) return 'BestEffort';
  const whole = all.every((one) =>
    ['cpu', 'memory'].every((name) => {
      const limit = objectAt(one, 'limits')[name];
      return limit !== undefined && same(limit, objectAt(one, 'requests')[name]);
    }),
  );
  return whole ? 'Guaranteed' : 'Burstable';
}

const LABEL = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const NOT_A_LABEL =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";

function containerCauses(pod: ApiObject): readonly Cause[] {
  const all = containers(objectAt(pod, 'spec'));
  if (all.length === 0) return [requiredValue('spec.containers')];
  return all.flatMap((container, i) => {
    const at = `spec.containers[${String(i)}]`;
    const name = textAt(container, 'name');
    const named = LABEL.test(name)
      ? []
      : [name === '' ? requiredValue(`${at}.name`) : invalidValue(`${at}.name`, name, NOT_A_LABEL)];
    return textAt(container, 'image') === '' ? [...named, requiredValue(`${at}.image`)] : named;
  });
}

const FIXED =
  'pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)';

function changeCauses(pod: ApiObject, old: ApiObject): readonly Cause[] {
  return same(fixedPart(pod), fixedPart(old)) ? [] : [forbiddenValue('spec', FIXED)];
}

function fixedPart(pod: ApiObject): Json {
  const spec = objectAt(pod, 'spec');
  const { containers: all } = {
    containers: containers(spec).map((container) => without(container, 'image')),
  };
  return { ...without(spec, 'activeDeadlineSeconds', 'tolerations'), containers: all };
}
