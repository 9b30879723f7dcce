import { executionSpec, EXECUTIONS, type Execution } from '../../../crds/execution.ts';
import { API_VERSION } from '../../../crds/names.ts';
import { sandboxSpec, SANDBOXES, type Sandbox } from '../../../crds/sandbox.ts';
import {
  SANDBOX_TEMPLATES,
  sandboxTemplateSpec,
  type SandboxTemplate,
} from '../../../crds/sandbox-template.ts';
import type { KubeClient } from '../../../kube/client.ts';
import { refOf } from '../../../kube/objects.ts';
import { controllerReference } from '../../../kube/owner-reference.ts';
import { PODS, type Pod } from '../../../kube/pod.ts';
import { claimPatch } from '../../../operator/sandbox/claim.ts';
import { writeStatus } from '../../../operator/status-writer.ts';
import { NAMESPACES } from '../namespaces.ts';
import type { Live, System } from './system.ts';

const NAMESPACE = 'bench-writes';
const AT = '2026-01-01T00:00:00.000Z';

/**
 * The five writes to the API server that ours needs for a claim and its first run, one after the other, by one client, and nothing else: no operator, no REST API, no pod that
 * runs. What cannot be got below on this machine by whatever keeps a record.
 */
export class BareWrites implements System {
  readonly name = 'the API writes of ours alone';
  readonly facts = { way: 'three writes for a claim, two for a run; the pods are never started' };
  readonly userAgents = [];
  readonly phases = ['one at a time', 'runs', 'burst'];
  readonly #client: KubeClient;
  readonly #template: SandboxTemplate;
  readonly #pods: Pod[] = [];
  #count = 0;
  #size = 0;

  private constructor(client: KubeClient, template: SandboxTemplate) {
    this.#client = client;
    this.#template = template;
  }

  static async open(client: KubeClient): Promise<BareWrites> {
    await client.create(NAMESPACES, {
      apiVersion: 'v1',
      kind: 'Namespace',
      metadata: { name: NAMESPACE },
    });
    const template = await client.create(SANDBOX_TEMPLATES, {
      apiVersion: API_VERSION,
      kind: SANDBOX_TEMPLATES.kind,
      metadata: { name: 'none', namespace: NAMESPACE },
      spec: sandboxTemplateSpec.parse({ image: 'none' }),
    });
    return new BareWrites(client, template);
  }

  async setPool(size: number): Promise<void> {
    this.#size = size;
    await this.poolIsFull();
  }

  async poolIsFull(): Promise<void> {
    while (this.#pods.length < this.#size) this.#pods.push(await this.#createPod());
  }

  async create(): Promise<Live> {
    const sandbox = await this.#client.create(SANDBOXES, {
      apiVersion: API_VERSION,
      kind: SANDBOXES.kind,
      metadata: { name: this.#nextName(), namespace: NAMESPACE },
      spec: sandboxSpec.parse({ templateRef: { name: 'none' } }),
    });
    const ready = this.#claim(sandbox);
    ready.catch(() => undefined);
    return {
      ready,
      run: async () => {
        await ready;
        await this.#run(sandbox);
      },
      objects: () => [sandbox.metadata.name],
      remove: () => Promise.resolve(),
    };
  }

  async close(): Promise<void> {
    await this.#client.delete(NAMESPACES, { namespace: '', name: NAMESPACE });
  }

  async #claim(sandbox: Sandbox): Promise<void> {
    const pod = this.#pods.pop() ?? (await this.#createPod());
    const patch = claimPatch(pod, sandbox, { template: this.#template, resizes: false });
    const { metadata } = await this.#client.patch(PODS, refOf(pod), patch);
    const condition = {
      observedGeneration: 1,
      lastTransitionTime: AT,
      status: 'True' as const,
      message: '',
    };
    const status = {
      phase: 'Running',
      reason: 'ExecutorAnswering',
      podName: metadata.name,
      podUID: metadata.uid,
      observedGeneration: 1,
      readyAt: AT,
      lastActivityTime: AT,
      expiresAt: AT,
      conditions: [
        { ...condition, type: 'PodScheduled', reason: 'PodScheduled' },
        { ...condition, type: 'Ready', reason: 'ExecutorAnswering' },
      ],
    };
    await writeStatus(this.#client, { type: SANDBOXES, object: sandbox, status });
  }

  async #run(sandbox: Sandbox): Promise<void> {
    const name = this.#nextName();
    const execution: Execution = await this.#client.create(EXECUTIONS, {
      apiVersion: API_VERSION,
      kind: EXECUTIONS.kind,
      metadata: { name, namespace: NAMESPACE },
      spec: executionSpec.parse({
        sandboxRef: { name: sandbox.metadata.name },
        language: 'python',
        code: 'def handler(event):\n    return 1',
      }),
    });
    const nothing = { text: '', bytes: 0, truncated: false };
    const status = {
      phase: 'Completed',
      reason: 'Completed',
      exitCode: 0,
      stdout: nothing,
      stderr: nothing,
      returnValue: 1,
      startedAt: AT,
      finishedAt: AT,
    };
    await writeStatus(this.#client, { type: EXECUTIONS, object: execution, status });
  }

  #createPod(): Promise<Pod> {
    return this.#client.create(PODS, {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: {
        name: this.#nextName(),
        namespace: NAMESPACE,
        ownerReferences: [controllerReference(this.#template)],
      },
      // No node ever gets it.
      spec: {
        schedulingGates: [{ name: 'bench/never' }],
        containers: [{ name: 'none', image: 'none' }],
      },
    });
  }

  #nextName(): string {
    this.#count += 1;
    return `bare-${String(this.#count)}`;
  }
}
