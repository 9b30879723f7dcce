import { LABEL } from '../../crds/names.ts';
import { aPodOf, aRunningPodOf, containerIn } from '../../test/builders/pod.ts';
import { aSandbox } from '../../test/builders/sandbox.ts';
import { aTemplate } from '../../test/builders/sandbox-template.ts';
import { BORN, SECOND } from '../../test/builders/observed-sandbox.ts';
import type { Pod } from '../../kube/pod.ts';
import { DEFAULT_SETTINGS } from '../settings.ts';
import { decide } from './decide.ts';
import type { Member, Observed } from './observe.ts';

const NOW = BORN + 60 * SECOND;
const MAKE = 'make-1';
const target = { podUID: 'uid', address: { kind: 'tcp', host: '10.0.0.1', port: 8080 } } as const;

function member(name: string, over: Partial<Member> = {}, build = aRunningPodOf): Member {
  const labels = { [LABEL.make]: MAKE };
  const pod = build(aSandbox(), { metadata: { name, labels } });
  return { pod, executor: { answeredAt: NOW - SECOND }, target, isReady: true, ...over };
}

function starting(name: string): Member {
  return member(name, { executor: {}, target: undefined, isReady: false }, aPodOf);
}

function seen(size: number, members: readonly Member[], over: Partial<Observed> = {}): Observed {
  return {
    template: aTemplate({ spec: { warmPool: { size } } }),
    sandboxes: 0,
    members,
    nodes: [],
    make: MAKE,
    isSettled: true,
    reportedAt: undefined,
    now: NOW,
    ...over,
  };
}

function doneTo(observed: Observed): readonly string[] {
  return decide(observed, DEFAULT_SETTINGS).actions.map((action) =>
    action.type === 'deleteMember' ? `delete ${action.pod.metadata.name}` : action.type,
  );
}

const ended = (pod: Pod): Pod => ({
  ...pod,
  status: { phase: 'Failed', ...containerIn({ terminated: { exitCode: 1 } }) },
});

describe('a warm pool', () => {
  test('without a size has no pods and no status', () => {
    expect(doneTo(seen(0, []))).toEqual([]);
    expect(decide(seen(0, []), DEFAULT_SETTINGS).status).not.toHaveProperty('warmPool');
  });

  test('is filled to its size', () => {
    expect(doneTo(seen(3, [member('a')]))).toEqual(['createMember', 'createMember']);
  });

  test('starts no more than twenty pods at a time', () => {
    expect(doneTo(seen(500, []))).toHaveLength(20);
    const members = Array.from({ length: 15 }, (_, index) => starting(String(index)));
    expect(doneTo(seen(500, members))).toHaveLength(5);
  });

  test('waits with filling up for a while without claims, the shorter the less is left, but for no more than ten seconds', () => {
    const after = (first: number, last: number, ...left: readonly Member[]): readonly string[] =>
      doneTo(seen(4, left, { claims: { first: NOW - first, last: NOW - last } }));
    const three = [member('a'), member('b'), member('c')];
    expect(after(374, 374, ...three)).toEqual([]);
    expect(after(375, 375, ...three)).toEqual(['createMember']);
    expect(after(124, 124, member('a'))).toEqual([]);
    expect(after(125, 125, member('a'))).toHaveLength(3);
    expect(after(9_900, 100, ...three)).toEqual([]);
    expect(after(10_000, 100, ...three)).toEqual(['createMember']);
  });

  test('is looked at again when it may be filled up', () => {
    const claims = { first: NOW - 100, last: NOW - 100 };
    const { lookAgainMs } = decide(seen(2, [member('a')], { claims }), DEFAULT_SETTINGS);
    expect(lookAgainMs).toBe(150);
  });

  test('of an earlier make alone counts as used up', () => {
    const claims = { first: NOW - 10, last: NOW - 10 };
    const ofOld = seen(1, [member('old')], { claims, make: 'make-2' });
    expect(doneTo(ofOld)).toEqual(['delete old', 'createMember']);
  });

  test('waits as long as sandboxes start, as they want the processor, but for no more than ten seconds', () => {
    const after = (first: number): readonly string[] =>
      doneTo(
        seen(2, [member('a')], {
          starting: 1,
          claims: { first: NOW - first, last: NOW - first },
        }),
      );
    expect(after(9_900)).toEqual([]);
    expect(after(10_000)).toEqual(['createMember']);
  });

  test('that is used up is filled as soon as nobody starts', () => {
    const claims = { first: NOW - 10, last: NOW - 10 };
    expect(doneTo(seen(1, [], { claims, starting: 1 }))).toEqual([]);
    expect(doneTo(seen(1, [], { claims, starting: 0 }))).toEqual(['createMember']);
  });

  test('that lacks nothing is in no hurry after a claim', () => {
    const claims = { first: NOW - 100, last: NOW - 100 };
    const { lookAgainMs } = decide(seen(1, [member('a')], { claims }), DEFAULT_SETTINGS);
    expect(lookAgainMs).toBeGreaterThan(SECOND);
  });

  test('counts nothing as long as the cache does not show what it asked for', () => {
    expect(doneTo(seen(3, [], { isSettled: false }))).toEqual([]);
    expect(doneTo(seen(0, [member('a')], { isSettled: false }))).toEqual([]);
  });

  test('shrinks by what is not ready first, then by the youngest', () => {
    const young = member('young');
    const { metadata } = young.pod;
    const pod = {
      ...young.pod,
      metadata: { ...metadata, creationTimestamp: '2026-01-01T00:00:30Z' },
    };
    const members = [member('old'), { ...young, pod }, starting('new')];
    expect(doneTo(seen(1, members))).toEqual(['delete new', 'delete young']);
  });

  test('is emptied where pods can no longer be made from the template', () => {
    const template = aTemplate({ spec: { image: 'Not an image', warmPool: { size: 2 } } });
    expect(doneTo(seen(2, [member('a')], { template }))).toEqual(['delete a']);
  });

  test('is left to garbage collection when its template is deleted', () => {
    const template = aTemplate({ metadata: { deletionTimestamp: '2026-01-01T00:00:00Z' } });
    expect(decide(seen(2, [member('a')], { template }), DEFAULT_SETTINGS)).toEqual({ actions: [] });
  });

  test('replaces pods of an earlier make', () => {
    expect(doneTo(seen(1, [member('a')], { make: 'make-2' }))).toEqual([
      'delete a',
      'createMember',
    ]);
  });

  test('replaces a pod that ended, but not at once', () => {
    const failed = member('failed');
    const observed = seen(1, [{ ...failed, pod: ended(failed.pod) }]);
    expect(doneTo(observed)).toEqual(['noteFailure', 'delete failed']);
    const later = seen(1, [], { pausedUntil: NOW + 5 * SECOND });
    expect(doneTo(later)).toEqual([]);
    expect(decide(later, DEFAULT_SETTINGS).lookAgainMs).toBe(5 * SECOND);
    expect(doneTo(seen(1, [], { pausedUntil: NOW }))).toEqual(['createMember']);
  });

  test('does not wait for what an earlier make did', () => {
    const failed = member('failed');
    const pod = { ...ended(failed.pod), metadata: { ...failed.pod.metadata, labels: {} } };
    expect(doneTo(seen(1, [{ ...failed, pod }]))).toEqual(['delete failed', 'createMember']);
  });

  test('has left its failures behind once it is whole', () => {
    const pausedUntil = NOW - SECOND;
    expect(doneTo(seen(1, [member('a')], { pausedUntil }))).toEqual(['forgetFailures']);
    expect(doneTo(seen(1, [starting('a')], { pausedUntil }))).toEqual([]);
  });

  test.each([
    ['whose executor fell silent', { answeredAt: NOW - 60_000, silentSince: NOW - 15_000 }, 'gone'],
    [
      'whose executor is silent for a moment',
      { answeredAt: NOW - 60_000, silentSince: NOW - 1_000 },
      'asked',
    ],
    ['that was not asked for long', { answeredAt: NOW - 30_000 }, 'asked'],
    ['that was asked lately', { answeredAt: NOW - 1_000 }, 'left alone'],
    ['that just started', {}, 'asked'],
  ])('looks after a pod %s', (_what, executor, expected) => {
    const done = doneTo(seen(1, [member('a', { executor })]));
    const name = { gone: 'delete a', asked: 'askHealth' }[expected];
    expect(done[0]).toBe(name);
  });

  test('gives up a pod that does not start', () => {
    const now = BORN + DEFAULT_SETTINGS.startTimeoutMs;
    expect(doneTo(seen(1, [starting('a')], { now }))).toEqual(['delete a', 'createMember']);
  });
});

describe('the status of a pool', () => {
  const template = aTemplate({ spec: { warmPool: { size: 2 } } });

  test('tells how many there are and how many can be had', () => {
    const { status } = decide(seen(2, [member('a'), starting('b')]), DEFAULT_SETTINGS);
    expect(status?.warmPool).toEqual({
      replicas: 2,
      ready: 1,
      selector: 'sandbox.ai/pool=python-basic',
    });
  });

  test('is not written for each pod of a burst', () => {
    const status = { observedGeneration: 1, sandboxes: 0 };
    const observed = seen(2, [member('a')], {
      template: { ...template, status },
      reportedAt: NOW - 500,
    });
    const decision = decide(observed, DEFAULT_SETTINGS);
    expect(decision.status).toBeUndefined();
    expect(decision.lookAgainMs).toBe(DEFAULT_SETTINGS.countDelayMs - 500);
  });

  test('is written at once for what the author of the template changed', () => {
    const changed = { ...template, metadata: { ...template.metadata, generation: 2 } };
    const status = { observedGeneration: 1, sandboxes: 0 };
    const observed = seen(2, [], { template: { ...changed, status }, reportedAt: NOW });
    expect(decide(observed, DEFAULT_SETTINGS).status).toBeDefined();
  });

  describe('whose template has packages', () => {
    const request = { installer: 'uv' as const, requirements: ['numpy'], timeoutMs: 1_000 };
    const packages = { revision: 'template-1', indexUrl: 'https://pypi.org/simple/', request };
    const failed = { phase: 'Lost', message: 'no word' } as const;
    const withInstall = (end: object = {}): Member =>
      member('a', { isReady: false, install: { podUID: 'uid', revision: 'template-1', ...end } });

    test('has them installed once an executor answers, and once only', () => {
      const asked = seen(1, [member('a', { isReady: false })], { packages });
      expect(decide(asked, DEFAULT_SETTINGS).actions).toEqual([
        { type: 'installInMember', target, packages },
      ]);
      expect(doneTo(seen(1, [starting('a')], { packages }))).toEqual([]);
      expect(doneTo(seen(1, [withInstall()], { packages }))).toEqual([]);
    });

    test.each([
      [59 * SECOND, []],
      [60 * SECOND, ['delete a', 'createMember']],
    ])('tries a failed one again in a new pod after a minute: %d ms after, %j', (ms, expected) => {
      const given = seen(1, [withInstall({ end: failed, endedAt: NOW - ms })], { packages });
      expect(doneTo(given)).toEqual(expected);
      const { packagesProblem } = decide(given, DEFAULT_SETTINGS);
      expect(packagesProblem).toBe(expected.length > 0 ? 'no word' : undefined);
    });
  });
});
