import type { SandboxReason } from '../crds/reasons.ts';
import { aSandbox } from '../test/builders/sandbox.ts';
import { aTemplate } from '../test/builders/sandbox-template.ts';
import { RestApi } from '../test/fakes/rest-api.ts';
import { refusalFor, WAITING_BY_TEMPLATE } from './room.ts';

const template = aTemplate({ spec: { resources: { cpu: '1', memory: '512Mi', disk: '1Gi' } } });
const warm = aTemplate({
  spec: { resources: { cpu: '1', memory: '512Mi', disk: '1Gi' } },
  status: { warmPool: { replicas: 1, ready: 1, selector: 'a=b' } },
});

function waiting(resources: object = {}, reason: SandboxReason = 'Unschedulable') {
  return aSandbox({ spec: { resources }, status: { phase: 'Pending', reason } });
}

describe('another session of a template', () => {
  test.each([
    ['as large as one that waits', {}, waiting(), template],
    ['as large, in other words', { cpu: '1000m' }, waiting({ memory: '524288Ki' }), template],
    ['larger than one that waits', { memory: '1Gi' }, waiting(), template],
    ['as large, for a quota', {}, waiting({}, 'QuotaExceeded'), template],
    ['too large for the started pod', { cpu: '2' }, waiting(), warm],
    ['too small for the started pod', { cpu: '0.5' }, waiting({ cpu: '0.5' }), warm],
  ])('that is %s would wait as well', (_what, wish, other, of) => {
    expect(refusalFor(wish, of, [other])).toMatchObject({ code: 'NoRoom', status: 429 });
  });

  test.each([
    ['nobody waits', {}, [], template],
    ['those that wait want more cpu', {}, [waiting({ cpu: '2' })], template],
    ['those that wait want more memory', { cpu: '2' }, [waiting({ memory: '1Gi' })], template],
    ['a started pod is there for it', {}, [waiting()], warm],
  ])('is welcome where %s', (_what, wish, others, of) => {
    expect(refusalFor(wish, of, others)).toBeUndefined();
  });
});

test.each([
  ['for a node', waiting(), true],
  ['for a quota', waiting({}, 'QuotaExceeded'), true],
  ['for its image', waiting({}, 'ImagePullFailed'), false],
  ['for nothing, being new', aSandbox(), false],
  ['no more: it failed', aSandbox({ status: { phase: 'Failed', reason: 'Unschedulable' } }), false],
  [
    'no more: it is to end',
    aSandbox({ spec: { desiredState: 'Terminated' }, status: { reason: 'Unschedulable' } }),
    false,
  ],
  [
    'no more: it is deleted',
    aSandbox({
      metadata: { deletionTimestamp: '2026-11-24T07:00:00Z' },
      status: { reason: 'Unschedulable' },
    }),
    false,
  ],
])('a sandbox that waits %s', (_what, sandbox, counts) => {
  expect(WAITING_BY_TEMPLATE.of(sandbox)).toEqual(counts ? ['python-basic'] : []);
});

describe('creating a session', () => {
  let api: RestApi;
  beforeEach(async () => {
    api = await RestApi.start();
  });
  afterEach(() => api.stop());

  const create = (body: object = {}) =>
    api.client.post('/sessions', { template_id: 'python-basic', ...body });

  test.each([
    [
      'Unschedulable',
      'No node has room: another session of template python-basic waits for room already',
    ],
    [
      'QuotaExceeded',
      'The quota of the namespace is used up: another session of template python-basic waits for room already',
    ],
  ] as const)('behind one that is %s is 429 with a time to come back', async (reason, message) => {
    const { body: first } = await create();
    api.reportSession(first['id'], { phase: 'Pending', reason, message: 'of the cluster' });
    const { status, headers, body } = await create();
    expect(status).toBe(429);
    expect(headers.get('retry-after')).toBe('10');
    expect(body).toMatchObject({
      code: 'NoRoom',
      message,
      hint: expect.stringContaining('Sessions that end'),
    });
    expect((await api.client.get('/sessions')).body['total']).toBe(1);
  });

  test('goes on once that has its room, or is given up', async () => {
    const { body: first } = await create();
    api.reportSession(first['id'], { phase: 'Pending', reason: 'Unschedulable' });
    expect((await create()).status).toBe(429);
    api.becomesReady(first['id']);
    const { status, body: second } = await create();
    expect(status).toBe(201);
    api.reportSession(second['id'], { phase: 'Pending', reason: 'Unschedulable' });
    expect((await create()).status).toBe(429);
    await api.client.delete(`/sessions/${String(second['id'])}`);
    expect((await create()).status).toBe(201);
  });

  test('that waits for room already is 409, as where there is room', async () => {
    await create({ id: 'mine' });
    api.reportSession('mine', { phase: 'Pending', reason: 'Unschedulable' });
    expect(await create({ id: 'mine' })).toMatchObject({
      status: 409,
      body: { code: 'SessionExists' },
    });
  });

  test('that is there already is 409 whoever else waits for room', async () => {
    await api.runningSession({ id: 'mine' });
    const { body: other } = await create();
    api.reportSession(other['id'], { phase: 'Pending', reason: 'Unschedulable' });
    expect((await create({ id: 'mine' })).body['code']).toBe('SessionExists');
  });

  test('of another template, or of a smaller size, is not refused', async () => {
    await api.addTemplate('other');
    const { body: first } = await create();
    api.reportSession(first['id'], { phase: 'Pending', reason: 'Unschedulable' });
    expect((await create({ template_id: 'other' })).status).toBe(201);
    expect((await create({ cpu: '0.5', memory: '256Mi', disk: '512Mi' })).status).toBe(201);
  });
});
