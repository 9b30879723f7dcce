import type { Sandbox } from '../../crds/sandbox.ts';
import type { Pod } from '../../kube/pod.ts';
import { aRunningPodOf } from '../../test/builders/pod.ts';
import { BORN, policy, SECOND, seen, target } from '../../test/builders/observed-sandbox.ts';
import { aSandbox } from '../../test/builders/sandbox.ts';
import { aTemplate } from '../../test/builders/sandbox-template.ts';
import { decide } from './decide.ts';
import type { Observed } from './observe.ts';
import { fitsResized } from './resize.ts';

/** A pod of a pool for a sandbox with other cpu or memory than the template's: rules in milliseconds. */

const MORE = { cpu: '2', memory: '1Gi' };
const sandbox = aSandbox({ spec: { resources: MORE } });
const offer = (canResize: boolean): Observed['pool'] => ({
  template: aTemplate(),
  make: 'make',
  canResize,
});
const young = (more: Partial<Observed>): Observed =>
  seen({ sandbox, pool: offer(true), now: BORN + SECOND, ...more });
const actionsOf = (observed: Observed): readonly string[] =>
  decide(observed, policy)
    .actions.map(({ type }) => type)
    .filter((type) => type !== 'addFinalizer');

describe('a pod that waits is claimed for other resources', () => {
  test('where the cluster can resize it', () => {
    expect(actionsOf(young({}))).toEqual(['claimPod']);
  });

  test.each<[string, Partial<Observed>]>([
    ['where the cluster cannot', { pool: offer(false) }],
    ['when the start has taken its time already', { now: BORN + 3 * SECOND }],
    ['after a pod was given up for it', { sandbox: withStatus({ restarts: 1 }) }],
    ['after a suspension', { sandbox: withStatus({ phase: 'Resuming', suspensions: 1 }) }],
  ])('but not %s', (_when, more) => {
    expect(actionsOf(young(more))).toEqual(['createPod']);
  });

  function withStatus(status: Sandbox['status']): Sandbox {
    return aSandbox({ spec: { resources: MORE }, ...(status === undefined ? {} : { status }) });
  }
});

test.each<[string, object, object, boolean]>([
  ['more cpu', { cpu: '2' }, {}, true],
  ['less memory', { memory: '128Mi' }, {}, true],
  ['another disk', { disk: '2Gi' }, {}, false],
  [
    'cpu of a template that requests less than it allows',
    { cpu: '2' },
    { cpuRequest: '100m' },
    false,
  ],
  ['memory of such a template', { memory: '1Gi' }, { cpuRequest: '100m' }, true],
])('whether a pod can become what has %s', (_what, resources, inherited, fits) => {
  const template = aTemplate({
    spec: { resources: { cpu: '1', memory: '512Mi', disk: '1Gi', ...inherited } },
  });
  expect(fitsResized(aSandbox({ spec: { resources } }), template)).toBe(fits);
});

test('a pod whose runtime shows its guest the size of the start stays as it is', () => {
  const template = aTemplate({ spec: { isolation: { runtimeClassName: 'gvisor' } } });
  expect(fitsResized(sandbox, template)).toBe(false);
});

describe('a pod that was claimed for other resources', () => {
  const taken = (limits: object, status: Partial<NonNullable<Pod['status']>> = {}): Observed => {
    const pod = aRunningPodOf(sandbox);
    const [container] = pod.spec.containers;
    const labelled: Pod = {
      ...pod,
      metadata: {
        ...pod.metadata,
        labels: {
          ...pod.metadata.labels,
          'sandbox.ai/incarnation': '0',
          'sandbox.ai/resize': 'true',
        },
      },
      spec: {
        ...pod.spec,
        containers: [
          { name: 'sandbox', image: 'any', ...container, resources: { limits: { ...limits } } },
        ],
      },
      status: { ...pod.status, ...status },
    };
    const executor = { answeredAt: BORN };
    return young({ pod: labelled, pods: [labelled], target, executor });
  };
  const has = (limits: Readonly<Record<string, string>>): Partial<NonNullable<Pod['status']>> => ({
    containerStatuses: [{ name: 'sandbox', ready: true, restartCount: 0, resources: { limits } }],
  });
  const OLD = { cpu: '1', memory: '512Mi' };

  test('is asked to be resized', () => {
    expect(actionsOf(taken(OLD, has(OLD)))).toEqual(['resizePod']);
  });

  test('does not serve before its node has applied all of it', () => {
    const half = taken(MORE, has({ ...OLD, cpu: '2' }));
    expect(decide(half, policy)).toMatchObject({ actions: [] });
    expect(decide(half, policy).status).toBeUndefined();
  });

  test('serves when it has what was asked for, in whatever words', () => {
    const { status } = decide(taken(MORE, has({ cpu: '2000m', memory: '1024Mi' })), policy);
    expect(status?.phase).toBe('Running');
  });

  test.each(['Deferred', 'Infeasible'])('is given up when its node says %s', (reason) => {
    const conditions = [{ type: 'PodResizePending', status: 'True', reason }];
    const { status } = decide(taken(MORE, { ...has(OLD), conditions }), policy);
    expect(status).toMatchObject({ phase: 'Pending', restarts: 1 });
    expect(status?.podName).toBeUndefined();
  });

  test('is given up when that takes too long, or the server refuses', () => {
    const late = { ...taken(MORE, has(OLD)), now: BORN + 5 * SECOND };
    expect(decide(late, policy).status).toMatchObject({ restarts: 1 });
    const refused: Observed = { ...taken(OLD, has(OLD)), learned: { type: 'resizeRefused' } };
    expect(decide(refused, policy).status).toMatchObject({ restarts: 1 });
  });
});
