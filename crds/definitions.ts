import type { z } from 'zod';
import type { KubeObject, ResourceType } from '../kube/objects.ts';
import { EXECUTIONS, executionSpec, executionStatus } from './execution.ts';
import {
  SANDBOX_TEMPLATES,
  sandboxTemplateSpec,
  sandboxTemplateStatus,
} from './sandbox-template.ts';
import { SANDBOXES, sandboxSpec, sandboxStatus } from './sandbox.ts';

/** A column of `kubectl get`; `wide` ones are shown with `-o wide` only. */
export interface PrinterColumn {
  readonly name: string;
  readonly type: 'string' | 'integer' | 'number' | 'boolean' | 'date';
  readonly jsonPath: string;
  readonly description: string;
  readonly wide?: boolean;
}

/** Of a CustomResourceDefinition's scale subresource. */
export interface Scale {
  readonly specReplicasPath: string;
  readonly statusReplicasPath: string;
  readonly labelSelectorPath: string;
}

/** What a CustomResourceDefinition says of a kind beside its schema. */
export interface KindDefinition {
  readonly resource: ResourceType<KubeObject>;
  readonly singular: string;
  readonly shortName: string;
  readonly description: string;
  readonly spec: z.ZodType;
  readonly status: z.ZodType;
  readonly columns: readonly PrinterColumn[];
  /** Where `kubectl scale` and autoscalers read and write a number; absent: the kind has none. */
  readonly scale?: Scale;
  /** Other objects refer to it by name, so its name must be one that a reference can hold. */
  readonly referredTo: boolean;
}

const age: PrinterColumn = {
  name: 'Age',
  type: 'date',
  jsonPath: '.metadata.creationTimestamp',
  description: 'Since when it exists.',
};

const sandboxTemplate: KindDefinition = {
  resource: SANDBOX_TEMPLATES,
  singular: 'sandboxtemplate',
  shortName: 'sbt',
  description:
    'What sandboxes are made from: an image, its runtime, and the limits and timeouts that hold where a sandbox says nothing else.',
  spec: sandboxTemplateSpec,
  status: sandboxTemplateStatus,
  scale: {
    specReplicasPath: '.spec.warmPool.size',
    statusReplicasPath: '.status.warmPool.replicas',
    labelSelectorPath: '.status.warmPool.selector',
  },
  referredTo: true,
  columns: [
    { name: 'Runtime', type: 'string', jsonPath: '.spec.runtime', description: 'What runs in it.' },
    {
      name: 'Image',
      type: 'string',
      jsonPath: '.spec.image',
      description: 'The image of its pods.',
      wide: true,
    },
    {
      name: 'Ready',
      type: 'string',
      jsonPath: '.status.conditions[?(@.type=="Ready")].status',
      description: 'Whether sandboxes can be made from it.',
    },
    {
      name: 'Warm',
      type: 'integer',
      jsonPath: '.status.warmPool.ready',
      description: 'Started pods that wait to become sandboxes.',
    },
    {
      name: 'Sandboxes',
      type: 'integer',
      jsonPath: '.status.sandboxes',
      description: 'Sandboxes of it that have not ended.',
    },
    age,
  ],
};

// Deadlines are strings: kubectl shows a date as time since then, and one that lies ahead as "<invalid>".
const sandbox: KindDefinition = {
  resource: SANDBOXES,
  singular: 'sandbox',
  shortName: 'sbx',
  description:
    'An isolated pod with a workspace, in which executions run until it is terminated, unused for too long or too old.',
  spec: sandboxSpec,
  status: sandboxStatus,
  referredTo: true,
  columns: [
    {
      name: 'Phase',
      type: 'string',
      jsonPath: '.status.phase',
      description: 'Where it is in its life.',
    },
    {
      name: 'Template',
      type: 'string',
      jsonPath: '.spec.templateRef.name',
      description: 'What it was made from.',
    },
    {
      name: 'Reason',
      type: 'string',
      jsonPath: '.status.reason',
      description: 'Why it is in its phase.',
    },
    {
      name: 'Idle',
      type: 'string',
      jsonPath: '.status.idleDeadline',
      description: 'It is not ended or suspended for idleness before this time.',
    },
    {
      name: 'Expires',
      type: 'string',
      jsonPath: '.status.expiresAt',
      description: 'When its lifetime is over.',
    },
    {
      name: 'Node',
      type: 'string',
      jsonPath: '.status.nodeName',
      description: 'Where its pod runs.',
      wide: true,
    },
    age,
  ],
};

const execution: KindDefinition = {
  resource: EXECUTIONS,
  singular: 'execution',
  shortName: 'exe',
  description: 'One run of a piece of code in a sandbox, and its outcome. It is run at most once.',
  spec: executionSpec,
  status: executionStatus,
  referredTo: false,
  columns: [
    {
      name: 'Phase',
      type: 'string',
      jsonPath: '.status.phase',
      description: 'Where it is in its life.',
    },
    {
      name: 'Sandbox',
      type: 'string',
      jsonPath: '.spec.sandboxRef.name',
      description: 'Where it runs.',
    },
    {
      name: 'Exit',
      type: 'integer',
      jsonPath: '.status.exitCode',
      description: 'Exit code, as a shell reports it.',
    },
    {
      name: 'Reason',
      type: 'string',
      jsonPath: '.status.reason',
      description: 'Why it ended as it did.',
    },
    {
      name: 'Duration(ms)',
      type: 'number',
      jsonPath: '.status.metrics.durationMs',
      description: 'How long the process of the user ran, in milliseconds.',
    },
    {
      name: 'Language',
      type: 'string',
      jsonPath: '.spec.language',
      description: 'What the code is written in.',
      wide: true,
    },
    age,
  ],
};

/** Every kind of this project, in the order in which a newcomer meets them. */
export const KINDS: readonly KindDefinition[] = [sandboxTemplate, sandbox, execution];
