import { parseAllDocuments } from 'yaml';
import { z } from 'zod';
import {
  CHART,
  crdNames,
  eventually,
  helm,
  IMAGE_OPTIONS,
  kubectl,
  kubectlJson,
  kubectlWith,
  tryHelm,
  tryKubectl,
} from './cluster.ts';
import { leftoversIn } from './leftovers.ts';
import { adminKey, withRest } from './release.ts';
import { overcommittedPod, refusedPods, sandboxPod } from './sandbox-pod.ts';

const SYSTEM = 'chart-system';
const SANDBOXES = 'chart-sandboxes';
const RELEASE = ['sandbox', CHART, '--namespace', SYSTEM];
const OPTIONS = [...IMAGE_OPTIONS, '--set', `sandboxes.namespace=${SANDBOXES}`, '--wait'];
const inSystem = (...args: string[]): string[] => ['--namespace', SYSTEM, ...args];
const inSandboxes = (...args: string[]): string[] => ['--namespace', SANDBOXES, ...args];

const EVERYTHING = [
  'api.ingress.enabled=true',
  'api.auth.tokenReview.enabled=true',
  'api.auth.callers[0].group=system:serviceaccounts:jobs',
  'api.ingress.host=sandbox.test',
  'api.ingress.tlsSecret=certificate',
  'api.clients[0].podSelector.matchLabels.app=client',
  'networkPolicy.metricsClients[0].podSelector.matchLabels.app=prometheus',
  'images.pullSecrets[0]=registry',
  'storage.evaluationServer.enabled=true',
  'history.evaluationServer.enabled=true',
  'trustedCertificates=certificates',
].join(',');

async function uninstall(): Promise<void> {
  await tryHelm(['uninstall', 'sandbox', '--namespace', SYSTEM, '--ignore-not-found', '--wait']);
}

beforeAll(async () => {
  await uninstall();
  await tryKubectl(['delete', 'crd', '--ignore-not-found', ...(await crdNames())]);
  await tryKubectl(['delete', 'namespace', '--ignore-not-found', SYSTEM, SANDBOXES, 'chart-plain']);
  await kubectl(['create', 'namespace', SYSTEM]);
  const restricted = 'pod-security.kubernetes.io/enforce=restricted';
  await kubectl(['label', 'namespace', SYSTEM, restricted]);
});

afterAll(async () => {
  await uninstall();
  await tryKubectl(['delete', 'namespace', '--ignore-not-found', SYSTEM, SANDBOXES, 'chart-plain']);
  await tryKubectl(['delete', 'crd', '--ignore-not-found', ...(await crdNames())]);
});

const status = z.object({
  status: z.object({ phase: z.string(), returnValue: z.unknown().optional() }),
});

/** Runs a Python handler in a sandbox and answers its return value. */
async function runIn(sandbox: string, name: string, code: string): Promise<unknown> {
  await kubectl(['create', '-f', '-'], {
    apiVersion: 'sandbox.ai/v1alpha1',
    kind: 'Execution',
    metadata: { name, namespace: SANDBOXES },
    spec: { sandboxRef: { name: sandbox }, language: 'python', code },
  });
  await kubectl(
    inSandboxes('wait', '--for=condition=Finished', `execution/${name}`, '--timeout=60s'),
  );
  const run = await kubectlJson(status, inSandboxes('get', 'execution', name));
  expect(run.status.phase).toBe('Completed');
  return run.status.returnValue;
}

async function createSandbox(name: string): Promise<void> {
  await kubectl(['create', '-f', '-'], {
    apiVersion: 'sandbox.ai/v1alpha1',
    kind: 'Sandbox',
    metadata: { name, namespace: SANDBOXES },
    // Small, so that several fit on a small node: a sandbox requests all that it may use.
    spec: { templateRef: { name: 'python-basic' }, resources: { cpu: '100m', memory: '128Mi' } },
  });
  await kubectl(inSandboxes('wait', '--for=condition=Ready', `sandbox/${name}`, '--timeout=60s'));
}

describe('values', () => {
  test('the chart passes a strict lint', async () => {
    await helm(['lint', '--strict', CHART]);
  });

  test.each([
    ['a value that does not exist', ['operator.replica=1'], /replica/],
    ['a replica count that is no number', ['operator.replicas=two'], /operator.replicas/],
    ['a namespace that is no DNS label', ['sandboxes.namespace=A_b'], /sandboxes.namespace/],
    ['sandboxes beside the control plane', [`sandboxes.namespace=${SYSTEM}`], /live apart/],
    ['an ingress without a host', ['api.ingress.enabled=true'], /api.ingress.host is needed/],
    [
      'a database of your own beside the one for evaluation',
      ['history.evaluationServer.enabled=true', 'history.database.existingSecret=mine'],
      /database.existingSecret/,
    ],
  ])('%s is refused with a reason', async (_what, values, reason) => {
    const refused = await tryHelm(['template', ...RELEASE, '--set', values.join(',')]);
    expect(refused.exitCode).not.toBe(0);
    expect(refused.stderr).toMatch(reason);
  });
});

describe('what the chart renders', () => {
  const variants: readonly (readonly [string, readonly string[]])[] = [
    ['by default', []],
    ['with everything that is optional', ['--set', EVERYTHING]],
    ['for development', ['--values', `${CHART}/values-development.yaml`]],
  ];
  test.each(variants)('%s is known to the API server to the last field', async (_what, values) => {
    const rendered = await helm(['template', ...RELEASE, ...values]);
    await kubectlWith(['create', '--dry-run=client', '--validate=strict', '-f', '-'], rendered);
  });
});

const workload = z.object({
  kind: z.enum(['Deployment', 'Job']),
  metadata: z.object({ name: z.string() }),
  spec: z.object({
    template: z.object({
      metadata: z.object({ annotations: z.record(z.string(), z.string()).default({}) }),
      spec: z.object({ imagePullSecrets: z.unknown() }),
    }),
  }),
});

/** The deployments and jobs of the chart with everything in it, by name. */
async function everyWorkload() {
  const rendered = parseAllDocuments(await helm(['template', ...RELEASE, '--set', EVERYTHING]));
  const found = rendered.flatMap((document) => workload.safeParse(document.toJS()).data ?? []);
  return new Map(found.map(({ metadata, spec }) => [metadata.name, spec.template]));
}

describe('every pod of a release', () => {
  test('is pulled with the secrets that are named for it', async () => {
    const templates = await everyWorkload();
    expect([...templates.keys()]).toEqual(
      expect.arrayContaining([
        'sandbox-operator',
        'sandbox-api',
        'sandbox-mariadb',
        'sandbox-storage',
      ]),
    );
    for (const [name, { spec }] of templates)
      expect({ name, ...spec }).toEqual({ name, imagePullSecrets: [{ name: 'registry' }] });
  });

  test.each(['sandbox-mariadb', 'sandbox-storage'])(
    'is another one when its account is: %s',
    async (name) => {
      // Where no Secret is to be found the chart makes up an account each time.
      const [one, other] = [await everyWorkload(), await everyWorkload()];
      expect(one.get(name)?.metadata).not.toEqual(other.get(name)?.metadata);
    },
  );
});

describe('a release', () => {
  test('installs, and its pods pass PodSecurity restricted', async () => {
    await helm(['install', ...RELEASE, ...OPTIONS]);
    const labels = z.object({ metadata: z.object({ labels: z.record(z.string(), z.string()) }) });
    const namespace = await kubectlJson(labels, ['get', 'namespace', SANDBOXES]);
    expect(namespace.metadata.labels['pod-security.kubernetes.io/enforce']).toBe('restricted');
  });

  test('runs code through kubectl', async () => {
    await createSandbox('first');
    expect(await runIn('first', 'first', 'def handler(event):\n    return 42')).toBe(42);
  });

  test('runs code through the REST API, for whoever has a key', async () => {
    const at = { system: SYSTEM };
    const ran = await withRest(async (rest) => {
      const resources = { cpu: '100m', memory: '128Mi' };
      const session = { template_id: 'python-basic', resources };
      const { id } = sessionId.parse(await rest('POST', '/sessions', session));
      const run = { code: 'def handler(event):\n    return "over REST"', language: 'python' };
      return rest('POST', `/executions/sessions/${id}/execute-sync`, run);
    }, at);
    expect(ran).toMatchObject({ status: 'completed', return_value: 'over REST' });
    const stranger = withRest((rest) => rest('GET', '/sessions'), { ...at, key: '' });
    await expect(stranger).rejects.toThrow('401');
  });
});

const sessionId = z.object({ id: z.string() });

describe('the admission policy', () => {
  beforeAll(async () => {
    // Without PodSecurity in front of it, so that each rule is seen to hold by itself.
    await kubectl(['create', 'namespace', 'chart-plain']);
    await kubectl(['apply', '-f', '-'], {
      apiVersion: 'admissionregistration.k8s.io/v1',
      kind: 'ValidatingAdmissionPolicyBinding',
      metadata: { name: 'chart-plain' },
      spec: {
        policyName: `${SANDBOXES}.pods.sandbox.ai`,
        validationActions: ['Deny'],
        matchResources: {
          namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'chart-plain' } },
        },
      },
    });
    await eventually(async () => {
      expect((await dryRun({})).exitCode).not.toBe(0);
    });
  });

  afterAll(async () => {
    await tryKubectl(['delete', 'validatingadmissionpolicybinding', 'chart-plain']);
    await tryKubectl(['delete', 'namespace', 'chart-plain', '--wait=false']);
  });

  const dryRun = (spec: object) =>
    tryKubectl(['create', '--dry-run=server', '--namespace', 'chart-plain', '-f', '-'], {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'tried' },
      spec: { containers: [{ name: 'sandbox', image: 'any' }], ...spec },
    });

  test('has no expression that the API server warns about', async () => {
    const policy = z.object({
      status: z.object({ typeChecking: z.object({}).strict().optional() }).optional(),
    });
    const name = `${SANDBOXES}.pods.sandbox.ai`;
    const found = await kubectlJson(policy, ['get', 'validatingadmissionpolicy', name]);
    expect(found.status?.typeChecking ?? {}).toEqual({});
  });

  test('admits a pod as the operator makes it', async () => {
    expect(await dryRun(sandboxPod())).toMatchObject({ exitCode: 0 });
    expect(await dryRun(overcommittedPod())).toMatchObject({ exitCode: 0 });
  });

  test.each(refusedPods())('refuses a pod %s', async (_what, spec, reason) => {
    const refused = await dryRun(spec);
    expect(refused.exitCode).not.toBe(0);
    expect(refused.stderr).toContain(reason);
  });
});

describe('limits of the namespace', () => {
  test('a sandbox above the bounds fails with a reason instead of waiting for ever', async () => {
    await kubectl(['create', '-f', '-'], {
      apiVersion: 'sandbox.ai/v1alpha1',
      kind: 'Sandbox',
      metadata: { name: 'huge', namespace: SANDBOXES },
      spec: { templateRef: { name: 'python-basic' }, resources: { cpu: '9' } },
    });
    const failed = z.object({
      status: z.object({ phase: z.literal('Failed'), message: z.string() }),
    });
    const { status: seen } = await eventually(() =>
      kubectlJson(failed, inSandboxes('get', 'sandbox', 'huge')),
    );
    expect(seen.message).toContain('maximum cpu usage per Pod is 8');
  });
});

describe('rights', () => {
  const account = (name: string): string => `--as=system:serviceaccount:${SYSTEM}:sandbox-${name}`;
  const may = async (name: string, ...question: string[]): Promise<boolean> => {
    const { stdout } = await tryKubectl(['auth', 'can-i', ...question, account(name)]);
    return stdout.trim() === 'yes';
  };

  const rules = z.object({
    status: z.object({
      resourceRules: z.array(
        z.object({
          verbs: z.array(z.string()),
          apiGroups: z.array(z.string()),
          resources: z.array(z.string()),
        }),
      ),
    }),
  });
  async function rightsOf(name: string, namespace: string): Promise<readonly string[]> {
    const review = await kubectlJson(
      rules,
      ['create', '--validate=false', '-f', '-', account(name)],
      {
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SelfSubjectRulesReview',
        spec: { namespace },
      },
    );
    return review.status.resourceRules
      .flatMap(({ resources, verbs }) => resources.map((r) => `${r}: ${verbs.join(' ')}`))
      .filter((right) => !right.startsWith('selfsubject'))
      .sort();
  }

  test.each([
    [
      'operator',
      SANDBOXES,
      [
        'events: create patch',
        'executions/status: patch',
        'executions: get list watch delete',
        'pods/resize: patch',
        'pods: get list watch create patch delete',
        'sandboxes/finalizers: update',
        'sandboxes/status: patch',
        'sandboxes: get list watch patch delete',
        'sandboxtemplates/finalizers: update',
        'sandboxtemplates/status: patch',
        'sandboxtemplates: get list watch',
      ],
    ],
    ['operator', SYSTEM, ['leases: get update']],
    ['operator', 'default', []],
    [
      'api',
      SANDBOXES,
      [
        'executions: get list watch create patch',
        'pods/log: get',
        'pods: get list watch',
        'sandboxes: get list watch create patch delete',
        'sandboxtemplates: get list watch create patch delete',
      ],
    ],
    ['api', SYSTEM, []],
    ['api', 'default', []],
  ])('of the %s in %s are exactly those of the README', async (name, namespace, expected) => {
    expect(await rightsOf(name, namespace)).toEqual([...expected].sort());
  });

  test.each([
    ['read secrets beside it', ['get', 'secrets', '-n', SYSTEM]],
    ['read secrets of sandboxes', ['get', 'secrets', '-n', SANDBOXES]],
    ['read secrets anywhere', ['list', 'secrets', '--all-namespaces']],
    ['enter a sandbox', ['create', 'pods', '--subresource=exec', '-n', SANDBOXES]],
    [
      'attach to a sandbox',
      ['patch', 'pods', '--subresource=ephemeralcontainers', '-n', SANDBOXES],
    ],
    ['create pods beside it', ['create', 'pods', '-n', SYSTEM]],
    ['touch nodes', ['get', 'nodes']],
    ['change the admission policy', ['patch', 'validatingadmissionpolicies']],
    ['change rights', ['create', 'rolebindings', '-n', SANDBOXES]],
    ['open the network', ['create', 'networkpolicies', '-n', SANDBOXES]],
    ['take another lease', ['update', 'leases/other', '-n', SYSTEM]],
    ['make tokens', ['create', 'serviceaccounts', '--subresource=token', '-n', SYSTEM]],
  ])('neither account may %s', async (_what, question) => {
    expect(await may('operator', ...question)).toBe(false);
    expect(await may('api', ...question)).toBe(false);
  });
});

describe('upgrade, rollback, uninstall', () => {
  const keyOf = (): Promise<string> =>
    kubectl(inSystem('get', 'secret', 'sandbox-executor-key', '-o', 'jsonpath={.data}'));
  const podOf = (sandbox: string): Promise<string> =>
    kubectl(inSandboxes('get', 'pod', sandbox, '-o', 'jsonpath={.metadata.uid}'));

  test('an upgrade and a rollback keep the key, the templates and every sandbox', async () => {
    const before = [await keyOf(), await podOf('first')];
    const adminBefore = await adminKey(SYSTEM);
    await helm(['upgrade', ...RELEASE, ...OPTIONS, '--set', 'operator.logLevel=debug']);
    expect([await keyOf(), await podOf('first'), await adminKey(SYSTEM)]).toEqual([
      ...before,
      adminBefore,
    ]);
    expect(await runIn('first', 'upgraded', 'def handler(event):\n    return 1')).toBe(1);

    await helm(['rollback', 'sandbox', '1', '--namespace', SYSTEM, '--wait']);
    expect([await keyOf(), await podOf('first')]).toEqual(before);
    expect(await runIn('first', 'rolled-back', 'def handler(event):\n    return 2')).toBe(2);
    await kubectl(inSandboxes('get', 'sandboxtemplate', 'python-basic', 'nodejs-basic'));
  });

  test('sandboxes that outlive a release stay closed, and the next one goes on with them', async () => {
    const before = [await keyOf(), await podOf('first')];
    const kept = [...OPTIONS, '--set', 'sandboxes.endOnUninstall=false'];
    await helm(['upgrade', ...RELEASE, ...kept]);
    await helm(['uninstall', 'sandbox', '--namespace', SYSTEM, '--wait']);
    await kubectl(inSandboxes('get', 'networkpolicy', 'deny-all'));
    await helm(['install', ...RELEASE, ...OPTIONS]);
    expect([await keyOf(), await podOf('first')]).toEqual(before);
    expect(await runIn('first', 'adopted', 'def handler(event):\n    return 3')).toBe(3);
  });

  test('uninstalling ends the sandboxes and leaves nothing but the CRDs', async () => {
    await helm(['uninstall', 'sandbox', '--namespace', SYSTEM, '--wait']);
    await eventually(async () => {
      expect((await tryKubectl(['get', 'namespace', SANDBOXES])).exitCode).not.toBe(0);
    }, 60_000);
    const crds = (await crdNames()).map((name) => `crd ${name}`).sort();
    // Helm does not wait for pods that take their time to end.
    await eventually(async () => {
      expect(await leftoversIn(SYSTEM)).toEqual(crds);
    }, 60_000);
  });
});
