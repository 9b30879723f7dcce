import type { Sandbox } from '../../crds/sandbox.ts';
import { aSandbox } from '../../test/builders/sandbox.ts';
import { aTemplate } from '../../test/builders/sandbox-template.ts';
import { buildPod } from './pod.ts';
import { podName, sandboxLabel } from './pod-name.ts';

const settings = { executorPublicKey: 'cHVibGlj', executorListen: 'tcp://0.0.0.0:8080' };

function container(
  ...[sandbox = aSandbox(), template = aTemplate()]: Partial<
    [ReturnType<typeof aSandbox>, ReturnType<typeof aTemplate>]
  >
) {
  const [only] = buildPod(sandbox, template, settings).spec.containers;
  if (only === undefined) throw new Error('the pod has no container');
  return only;
}

test('a pod passes PodSecurity restricted and holds no service account token', () => {
  const { spec } = buildPod(aSandbox(), aTemplate(), settings);
  expect(spec).toMatchObject({
    restartPolicy: 'Never',
    automountServiceAccountToken: false,
    enableServiceLinks: false,
    securityContext: {
      runAsNonRoot: true,
      runAsUser: 1000,
      runAsGroup: 1000,
      seccompProfile: { type: 'RuntimeDefault' },
    },
  });
  expect(container().securityContext).toMatchObject({
    allowPrivilegeEscalation: false,
    readOnlyRootFilesystem: true,
    runAsNonRoot: true,
    capabilities: { drop: ['ALL'] },
    seccompProfile: { type: 'RuntimeDefault' },
  });
});

test('a pod is limited to what it asks for, the sandbox before the template', () => {
  const sandbox = aSandbox({ spec: { resources: { memory: '1Gi' } } });
  const template = aTemplate({ spec: { resources: { cpu: '2', disk: '3Gi' } } });
  const amounts = { cpu: '2', memory: '1Gi', 'ephemeral-storage': '3Gi' };
  expect(container(sandbox, template).resources).toEqual({ requests: amounts, limits: amounts });
});

test('a template may have nodes set aside less cpu than its sandboxes may use, but not for one that says how much it wants', () => {
  const template = aTemplate({ spec: { resources: { cpu: '2', cpuRequest: '100m' } } });
  const requests = (sandbox: Sandbox): unknown => container(sandbox, template).resources?.requests;
  expect(requests(aSandbox())).toMatchObject({ cpu: '100m' });
  expect(requests(aSandbox({ spec: { resources: { cpu: '1' } } }))).toMatchObject({ cpu: '1' });
});

test('the executor is configured by its own variables only, and users cannot name one', () => {
  const sandbox = aSandbox({ spec: { env: [{ name: 'EXECUTOR_PUBLIC_KEY', value: 'mine' }] } });
  const { env = [] } = container(sandbox);
  expect(env).toContainEqual({ name: 'EXECUTOR_PUBLIC_KEY', value: 'cHVibGlj' });
  expect(env).toContainEqual({ name: 'SANDBOX_USER_EXECUTOR_PUBLIC_KEY', value: 'mine' });
  expect(env).toContainEqual({
    name: 'EXECUTOR_AUDIENCE',
    valueFrom: { fieldRef: { fieldPath: 'metadata.uid' } },
  });
});

test('the executor is told what its pod must not reach, where NetworkPolicies are relied on', () => {
  const names = (forbiddenAddress?: string) =>
    buildPod(aSandbox(), aTemplate(), { ...settings, forbiddenAddress }).spec.containers[0]?.env;
  const variable = { name: 'EXECUTOR_FORBIDDEN_ADDRESS', value: 'tcp://10.96.0.1:443' };
  expect(names('tcp://10.96.0.1:443')).toContainEqual(variable);
  expect(names()).not.toContainEqual(expect.objectContaining({ name: variable.name }));
});

test("the sandbox's variables win over the template's, secrets included", () => {
  const valueFrom = { secretKeyRef: { name: 'keys', key: 'token' } };
  const template = aTemplate({
    spec: {
      env: [
        { name: 'A', value: 'template' },
        { name: 'B', valueFrom },
        { name: 'C', valueFrom },
      ],
    },
  });
  const sandbox = aSandbox({ spec: { env: [{ name: 'B', value: 'sandbox' }] } });
  const user = container(sandbox, template).env?.filter(({ name }) =>
    name.startsWith('SANDBOX_USER'),
  );
  expect(user).toEqual([
    { name: 'SANDBOX_USER_A', value: 'template' },
    { name: 'SANDBOX_USER_B', value: 'sandbox' },
    { name: 'SANDBOX_USER_C', valueFrom },
  ]);
});

test.each([
  ['plain $HOME stays', '$HOME', '$HOME'],
  ['$(HOME) is not expanded', '$(HOME)', '$$(HOME)'],
  ['$$ is not folded into one', 'a$$b', 'a$$$$b'],
])('a value reaches user code as it was written: %s', (_what, value, written) => {
  const sandbox = aSandbox({ spec: { env: [{ name: 'X', value }] } });
  expect(container(sandbox).env).toContainEqual({ name: 'SANDBOX_USER_X', value: written });
});

test('what the template says of scheduling, pulling and isolation is in the pod', () => {
  const template = aTemplate({
    spec: {
      imagePullPolicy: 'Always',
      imagePullSecrets: [{ name: 'regcred' }],
      isolation: { runtimeClassName: 'gvisor' },
      scheduling: { nodeSelector: { pool: 'sandboxes' }, tolerations: [{ operator: 'Exists' }] },
    },
  });
  expect(buildPod(aSandbox(), template, settings).spec).toMatchObject({
    runtimeClassName: 'gvisor',
    imagePullSecrets: [{ name: 'regcred' }],
    nodeSelector: { pool: 'sandboxes' },
    tolerations: [{ operator: 'Exists' }],
    containers: [{ imagePullPolicy: 'Always' }],
  });
});

describe('the name of a pod', () => {
  const long = 'a'.repeat(63);

  test.each([
    ['box', 0, 'box'],
    ['box', 1, 'box-1'],
    ['box', 12, 'box-12'],
    [long, 0, long],
  ])('of %s after %i restarts is %s', (name, restarts, expected) => {
    expect(podName(aSandbox({ metadata: { name }, status: { restarts } }))).toBe(expected);
  });

  test('fits a label also with a number behind it, and stays apart from its like', () => {
    const names = [long, `${'a'.repeat(62)}b`].map((name) =>
      podName(aSandbox({ metadata: { name }, status: { restarts: 3 } })),
    );
    expect(new Set(names).size).toBe(2);
    for (const name of names) expect(name).toMatch(/^[a-z0-9-]{1,61}-3$/);
  });

  test('and the label of the sandbox agree while nothing is too long', () => {
    expect(sandboxLabel(aSandbox())).toBe('box');
  });
});
