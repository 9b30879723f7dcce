/** A kind with one of everything that a structural schema can say and this project uses. */
const spec = {
  type: 'object',
  required: ['size'],
  properties: {
    size: { type: 'integer', minimum: 1, maximum: 10 },
    ratio: { type: 'number' },
    color: { type: 'string', enum: ['red', 'green'], default: 'red' },
    code: { type: 'string', minLength: 1, maxLength: 5, pattern: '^[a-z]+$' },
    title: { type: 'string', minLength: 2 },
    tags: { type: 'array', minItems: 1, maxItems: 2, items: { type: 'string' } },
    ref: {
      type: 'string',
      'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'ref is immutable' }],
    },
    nested: {
      type: 'object',
      properties: { number: { type: 'integer' }, text: { type: 'string', default: 'given' } },
      'x-kubernetes-validations': [{ rule: 'self == oldSelf', message: 'nested is immutable' }],
    },
    settings: {
      type: 'object',
      default: {},
      properties: { mode: { type: 'string', default: 'quiet' } },
    },
    free: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true },
    anything: { 'x-kubernetes-preserve-unknown-fields': true },
    labels: { type: 'object', additionalProperties: { type: 'string' } },
    port: { 'x-kubernetes-int-or-string': true },
    when: { type: 'string', format: 'date-time' },
    note: { type: 'string', nullable: true },
    stopped: {
      type: 'boolean',
      default: false,
      'x-kubernetes-validations': [
        { rule: '!oldSelf || self', message: 'stopped cannot be taken back' },
      ],
    },
    env: {
      type: 'array',
      maxItems: 20,
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['name'],
      items: {
        type: 'object',
        required: ['name'],
        properties: {
          name: { type: 'string', maxLength: 20 },
          value: { type: 'string', default: '', maxLength: 20 },
        },
      },
    },
  },
  'x-kubernetes-validations': [{ rule: 'self.size != 7', message: 'seven is not a size' }],
};

const status = {
  type: 'object',
  properties: {
    phase: { type: 'string' },
    conditions: {
      type: 'array',
      'x-kubernetes-list-type': 'map',
      'x-kubernetes-list-map-keys': ['type'],
      items: {
        type: 'object',
        required: ['type', 'status'],
        properties: { type: { type: 'string' }, status: { type: 'string' } },
      },
    },
  },
};

export const GROUP = 'contract.sandbox.test';
export const API_VERSION = `${GROUP}/v1`;
/** The collection over all namespaces. */
export const WIDGETS = `/apis/${API_VERSION}/widgets`;

export const WIDGET_CRD = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `widgets.${GROUP}` },
  spec: {
    group: GROUP,
    scope: 'Namespaced',
    names: { kind: 'Widget', plural: 'widgets', singular: 'widget', shortNames: ['wdg'] },
    versions: [
      {
        name: 'v1',
        served: true,
        storage: true,
        subresources: { status: {} },
        additionalPrinterColumns: [
          { name: 'Size', type: 'integer', jsonPath: '.spec.size' },
          {
            name: 'Ready',
            type: 'string',
            jsonPath: '.status.conditions[?(@.type=="Ready")].status',
          },
          { name: 'Color', type: 'string', jsonPath: '.spec.color', priority: 1 },
          { name: 'Age', type: 'date', jsonPath: '.metadata.creationTimestamp' },
        ],
        schema: {
          openAPIV3Schema: {
            type: 'object',
            description: 'A thing to test with.',
            required: ['spec'],
            properties: { spec, status },
          },
        },
      },
    ],
  },
};

/** A widget as a client sends it. */
export function widget(
  name: string,
  fields: Readonly<Record<string, unknown>> = {},
  metadata: object = {},
): object {
  return {
    apiVersion: API_VERSION,
    kind: 'Widget',
    metadata: { name, ...metadata },
    spec: { size: 1, ...fields },
  };
}

export function widgetsIn(namespace: string): string {
  return `/apis/${API_VERSION}/namespaces/${namespace}/widgets`;
}
