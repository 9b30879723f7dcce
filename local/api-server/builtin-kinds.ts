import { AGE, count, NAME, text } from './columns.ts';
import { CRD_STRATEGY } from './custom-kinds.ts';
import { invalidValue, type Cause } from './errors.ts';
import {
  checkMicroTime,
  EVENT_COLUMNS,
  EVENT_STRATEGY,
  NEW_EVENT_STRATEGY,
  NEW_EVENT_VIEW,
} from './event-kinds.ts';
import { listAt, objectAt, textAt, type Json, type JsonObject } from './json.ts';
import { PLAIN_STRATEGY, type Kind, type Strategy } from './kinds.ts';
import { withFields, type ApiObject } from './objects.ts';
import { POD_COLUMNS } from './pod-columns.ts';
import { POD_STRATEGY } from './pods.ts';

export const NAMESPACES = 'namespaces';
export const CRDS = 'customresourcedefinitions.apiextensions.k8s.io';
/** Namespaces that every cluster has from the start. */
export const FIRST_NAMESPACES = ['default', 'kube-node-lease', 'kube-public', 'kube-system'];

const NAMESPACE_STRATEGY: Strategy = {
  ...PLAIN_STRATEGY,
  decode: (namespace) => ({ object: labelled(namespace), unknown: [] }),
  beforeCreate: (namespace) => ({
    ...labelled(namespace),
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  }),
  beforeUpdate: (namespace, old) => withFields(namespace, { spec: old['spec'] }),
  heldBy: (namespace) => [
    ...(namespace.metadata.finalizers ?? []),
    ...listAt(namespace, 'spec.finalizers'),
  ],
  terminating: (namespace) => withFields(namespace, { status: { phase: 'Terminating' } }),
  returnsDeleted: true,
  fields: { 'status.phase': (namespace) => textAt(namespace, 'status.phase') },
};

function labelled(namespace: ApiObject): ApiObject {
  const { metadata } = namespace;
  if (metadata.name === undefined) return namespace;
  return {
    ...namespace,
    metadata: {
      ...metadata,
      labels: { ...metadata.labels, 'kubernetes.io/metadata.name': metadata.name },
    },
  };
}

const LEASE_STRATEGY: Strategy = {
  ...PLAIN_STRATEGY,
  decode: (lease) => {
    for (const time of ['spec.acquireTime', 'spec.renewTime']) checkMicroTime(lease, time);
    return { object: lease, unknown: [] };
  },
  validate: (lease) => leaseCauses(objectAt(lease, 'spec')),
  unconditionalUpdate: false,
  createOnUpdate: true,
};

function leaseCauses(spec: JsonObject): readonly Cause[] {
  const duration = spec['leaseDurationSeconds'];
  return typeof duration === 'number' && duration <= 0
    ? [invalidValue('spec.leaseDurationSeconds', duration, 'must be greater than 0')]
    : [];
}

const SECRET_STRATEGY: Strategy = {
  ...PLAIN_STRATEGY,
  decode: (secret) => ({ object: encodedSecret(secret), unknown: [] }),
  fields: { type: (secret) => textAt(secret, 'type') },
};

/** `stringData` is for writing only. */
function encodedSecret(secret: ApiObject): ApiObject {
  const data: Record<string, Json | undefined> = { ...objectAt(secret, 'data') };
  for (const [key, value] of Object.entries(objectAt(secret, 'stringData'))) {
    if (typeof value === 'string') data[key] = Buffer.from(value).toString('base64');
  }
  const type = textAt(secret, 'type') === '' ? 'Opaque' : secret['type'];
  const kept = Object.keys(data).length === 0 ? undefined : data;
  return withFields(secret, { stringData: undefined, type, data: kept });
}

type Given = Pick<Kind, 'group' | 'version' | 'kind' | 'plural' | 'singular'> & Partial<Kind>;

function builtIn(given: Given): Kind {
  const { group, plural, kind } = given;
  return {
    listKind: `${kind}List`,
    shortNames: [],
    categories: [],
    namespaced: true,
    storage: group === '' ? plural : `${plural}.${group}`,
    hasStatus: false,
    columns: [NAME, AGE],
    // Their fields are too many for a small server: it says that there are some, and takes them all.
    schema: {
      type: 'object',
      description: `The built-in ${kind}.`,
      'x-kubernetes-preserve-unknown-fields': true,
    },
    strategy: PLAIN_STRATEGY,
    ...given,
  };
}

/** The kinds that are served without a CustomResourceDefinition. */
export const BUILT_IN_KINDS: readonly Kind[] = [
  builtIn({
    group: '',
    version: 'v1',
    kind: 'Pod',
    plural: 'pods',
    singular: 'pod',
    shortNames: ['po'],
    categories: ['all'],
    hasStatus: true,
    columns: POD_COLUMNS,
    strategy: POD_STRATEGY,
  }),
  builtIn({
    group: '',
    version: 'v1',
    kind: 'Event',
    plural: 'events',
    singular: 'event',
    shortNames: ['ev'],
    columns: EVENT_COLUMNS,
    strategy: EVENT_STRATEGY,
  }),
  builtIn({
    group: 'events.k8s.io',
    version: 'v1',
    kind: 'Event',
    plural: 'events',
    singular: 'event',
    shortNames: ['ev'],
    storage: 'events',
    columns: EVENT_COLUMNS,
    strategy: NEW_EVENT_STRATEGY,
    view: NEW_EVENT_VIEW,
  }),
  builtIn({
    group: '',
    version: 'v1',
    kind: 'Namespace',
    plural: 'namespaces',
    singular: 'namespace',
    shortNames: ['ns'],
    namespaced: false,
    hasStatus: true,
    columns: [NAME, text('Status', 'status.phase'), AGE],
    strategy: NAMESPACE_STRATEGY,
  }),
  builtIn({
    group: '',
    version: 'v1',
    kind: 'Secret',
    plural: 'secrets',
    singular: 'secret',
    columns: [
      NAME,
      text('Type', 'type'),
      { name: 'Data', type: 'string', cell: (secret) => count(secret, 'data') },
      AGE,
    ],
    strategy: SECRET_STRATEGY,
  }),
  builtIn({
    group: '',
    version: 'v1',
    kind: 'ConfigMap',
    plural: 'configmaps',
    singular: 'configmap',
    shortNames: ['cm'],
    columns: [
      NAME,
      {
        name: 'Data',
        type: 'string',
        cell: (map) => count(map, 'data') + count(map, 'binaryData'),
      },
      AGE,
    ],
  }),
  builtIn({
    group: 'coordination.k8s.io',
    version: 'v1',
    kind: 'Lease',
    plural: 'leases',
    singular: 'lease',
    columns: [NAME, text('Holder', 'spec.holderIdentity'), AGE],
    strategy: LEASE_STRATEGY,
  }),
  builtIn({
    group: 'apiextensions.k8s.io',
    version: 'v1',
    kind: 'CustomResourceDefinition',
    plural: 'customresourcedefinitions',
    singular: 'customresourcedefinition',
    shortNames: ['crd', 'crds'],
    categories: ['api-extensions'],
    namespaced: false,
    hasStatus: true,
    columns: [
      NAME,
      { name: 'Created At', type: 'date', cell: (crd) => crd.metadata.creationTimestamp },
    ],
    strategy: CRD_STRATEGY,
  }),
];
