import { z } from 'zod';
import { executionSpec, executionStatus, type Execution } from '../../crds/execution.ts';
import { createdAtOf, restIdOf, templateIdOf } from '../../crds/identity.ts';
import { executionStatusOf, sessionStatusOf } from '../../crds/rest-status.ts';
import { sandboxSpec, sandboxStatus, type Sandbox } from '../../crds/sandbox.ts';
import { sandboxTemplateSpec, type SandboxTemplate } from '../../crds/sandbox-template.ts';
import type { KubeObject } from '../../kube/objects.ts';
import type { executions, sandboxes, sandboxTemplates } from './schema.ts';

/** Objects -> rows -> objects. Pure. */

/** What a look at an object found, and who looked. */
export interface Look {
  readonly now: number;
  readonly fence: number;
  readonly sequence: number;
  /** The object is leaving the API server because its time is up. */
  readonly expired: boolean;
  /** The object is not there any more. */
  readonly gone: boolean;
}

export type SandboxRow = typeof sandboxes.$inferInsert;
export type SandboxTemplateRow = typeof sandboxTemplates.$inferInsert;
export type ExecutionRow = typeof executions.$inferInsert;

export function sandboxRow(sandbox: Sandbox, look: Look): SandboxRow {
  return {
    ...identityOf(sandbox),
    status: sessionStatusOf(sandbox),
    reason: sandbox.status?.reason ?? null,
    templateId: fitting(templateIdOf(sandbox), sandbox.spec.templateRef.name),
    endedAt: timeOf(sandbox.status?.terminatedAt),
    ...lifeOf(sandbox, look),
  };
}

export function sandboxTemplateRow(template: SandboxTemplate, look: Look): SandboxTemplateRow {
  return { ...identityOf(template), ...lifeOf(template, look) };
}

/** `sandboxUid`: of the sandbox that it names; empty where there is none. */
export function executionRow(execution: Execution, sandboxUid: string, look: Look): ExecutionRow {
  const { spec, status } = execution;
  return {
    ...identityOf(execution),
    sandboxUid,
    sandboxName: spec.sandboxRef.name,
    status: executionStatusOf(execution),
    reason: status?.reason ?? null,
    language: spec.language,
    exitCode: status?.exitCode ?? null,
    durationMs: status?.metrics?.durationMs ?? null,
    finishedAt: timeOf(status?.finishedAt),
    ...lifeOf(execution, look),
  };
}

type Identity = Pick<SandboxTemplateRow, 'uid' | 'namespace' | 'name' | 'restId' | 'createdAt'>;

function identityOf(object: KubeObject): Identity {
  const { uid, namespace = '', name, creationTimestamp } = object.metadata;
  return {
    uid,
    namespace,
    name,
    restId: fitting(restIdOf(object), name),
    createdAt: timeOf(createdAtOf(object)) ?? timeOf(creationTimestamp) ?? 0,
  };
}

function lifeOf(
  object: KubeObject,
  { now, fence, sequence, expired, gone }: Look,
): Omit<SandboxTemplateRow, keyof Identity> {
  return {
    object: JSON.stringify(withoutManagedFields(object)),
    resourceVersion: object.metadata.resourceVersion,
    mirroredAt: now,
    deletedAt: gone && !expired ? now : null,
    expiredAt: expired ? now : null,
    goneAt: gone ? now : null,
    fence,
    sequence,
  };
}

/** Anyone who may write an object writes what they like into its annotations. */
function fitting(text: string, otherwise: string): string {
  return text.length <= LONGEST_ID ? text : otherwise;
}

const LONGEST_ID = 253;

function timeOf(text: string | undefined): number | null {
  const ms = Date.parse(text ?? '');
  // The range of DATETIME.
  return ms >= 0 && ms < Date.parse('9999-01-01') ? ms : null;
}

/** Who wrote which field: as long as the object itself, and of no use once it is gone. */
function withoutManagedFields(object: KubeObject): object {
  const metadata: Record<string, unknown> = { ...object.metadata };
  delete metadata['managedFields'];
  return { ...object, metadata };
}

const object = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string().exactOptional(),
    uid: z.string(),
    resourceVersion: z.string(),
    creationTimestamp: z.string(),
    annotations: z.record(z.string(), z.string()).exactOptional(),
    labels: z.record(z.string(), z.string()).exactOptional(),
  }),
});
/** Rows of earlier versions of a kind get the defaults of what they do not know yet. */
const storedSandbox = object.extend({ spec: sandboxSpec, status: sandboxStatus.exactOptional() });
const storedExecution = object.extend({
  spec: executionSpec,
  status: executionStatus.exactOptional(),
});
const storedTemplate = object.extend({ spec: sandboxTemplateSpec });

export function sandboxIn(text: string): Sandbox {
  return storedSandbox.parse(JSON.parse(text));
}

export function executionIn(text: string): Execution {
  return storedExecution.parse(JSON.parse(text));
}

export function sandboxTemplateIn(text: string): SandboxTemplate {
  return storedTemplate.parse(JSON.parse(text));
}
