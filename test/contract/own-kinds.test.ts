import { startEnvironment, type Environment } from './environment.ts';
import { CRDS, installOwnKinds, manifests } from './own-manifests.ts';

let env: Environment;
let own: (plural: string) => string;

beforeAll(async () => {
  env = await startEnvironment();
  own = (plural) => `/apis/sandbox.ai/v1alpha1/namespaces/${env.namespace}/${plural}`;
  await installOwnKinds(env);
});
afterAll(() => env.close());

test('the schemas are structural', async () => {
  for (const { metadata } of manifests('crds/manifests')) {
    const { body } = await env.api.get(`${CRDS}/${metadata.name}`);
    const { conditions } = body.status as { conditions: { type: string; status: string }[] };
    expect(conditions).toEqual(
      expect.arrayContaining([expect.objectContaining({ type: 'Established', status: 'True' })]),
    );
    expect(conditions.map(({ type }) => type)).not.toContain('NonStructuralSchema');
  }
});

test('the examples are accepted, strictly', async () => {
  for (const example of manifests('examples')) {
    const plural =
      { SandboxTemplate: 'sandboxtemplates', Sandbox: 'sandboxes', Execution: 'executions' }[
        example.kind
      ] ?? '';
    const { code, body } = await env.api.post(`${own(plural)}?fieldValidation=Strict`, example);
    expect([code, body.message]).toEqual([201, undefined]);
  }
});

test('a sandbox is suspended and resumed as often as one likes, and terminated for ever', async () => {
  const sandbox = {
    apiVersion: 'sandbox.ai/v1alpha1',
    kind: 'Sandbox',
    metadata: { name: 'rests' },
    spec: { templateRef: { name: 'any' } },
  };
  expect((await env.api.post(own('sandboxes'), sandbox)).code).toBe(201);
  const desire = async (desiredState: string): Promise<number> =>
    (await env.api.merge(`${own('sandboxes')}/rests`, { spec: { desiredState } })).code;
  for (const state of ['Suspended', 'Running', 'Suspended', 'Terminated'])
    expect([state, await desire(state)]).toEqual([state, 200]);
  for (const state of ['Suspended', 'Running'])
    expect([state, await desire(state)]).toEqual([state, 422]);
});

test('what identifies an execution cannot be changed, and a cancellation not be taken back', async () => {
  const execution = {
    apiVersion: 'sandbox.ai/v1alpha1',
    kind: 'Execution',
    metadata: { name: 'fixed' },
    spec: { sandboxRef: { name: 'some' }, language: 'python', code: 'print(1)' },
  };
  expect((await env.api.post(own('executions'), execution)).code).toBe(201);
  const change = (spec: object): Promise<{ code: number }> =>
    env.api.merge(`${own('executions')}/fixed`, { spec });
  expect((await change({ code: 'print(2)' })).code).toBe(422);
  expect((await change({ sandboxRef: { name: 'other' } })).code).toBe(422);
  expect((await change({ cancel: true })).code).toBe(200);
  expect((await change({ cancel: false })).code).toBe(422);
});

test.each([null, 0, false, '', [1, { a: null }], { result: 'hello world' }])(
  'a return value of %j is kept as it is',
  async (returnValue) => {
    const { body } = await env.api.post(own('executions'), {
      apiVersion: 'sandbox.ai/v1alpha1',
      kind: 'Execution',
      metadata: { generateName: 'returning-' },
      spec: { sandboxRef: { name: 'some' }, language: 'python', code: 'print(1)' },
    });
    const reply = await env.api.call('PUT', `${own('executions')}/${body.metadata.name}/status`, {
      body: { ...body, status: { returnValue } },
    });
    expect(reply.body.status).toEqual({ returnValue });
  },
);
