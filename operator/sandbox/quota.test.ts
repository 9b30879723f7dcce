import { exceededQuota, quotaPauseMs } from './quota.ts';

test.each([
  [
    'one amount',
    'pods "box" is forbidden: exceeded quota: sandboxes, requested: pods=1, used: pods=10, limited: pods=10',
    'the ResourceQuota sandboxes has no room: the pod wants pods=1, and all together may have pods=10',
  ],
  [
    'several amounts',
    'pods "box" is forbidden: exceeded quota: q, requested: limits.cpu=1,limits.memory=512Mi, used: limits.cpu=2,limits.memory=1Gi, limited: limits.cpu=2,limits.memory=1Gi',
    'the ResourceQuota q has no room: the pod wants limits.cpu=1,limits.memory=512Mi, and all together may have limits.cpu=2,limits.memory=1Gi',
  ],
  [
    'a list of refusals',
    'pods "box" is forbidden: [exceeded quota: q, requested: pods=1, used: pods=1, limited: pods=1]',
    'the ResourceQuota q has no room: the pod wants pods=1, and all together may have pods=1',
  ],
  ['other words', 'exceeded quota: q', 'a ResourceQuota has no room for the pod'],
  ['a quota that asks for limits', 'failed quota: q: must specify limits.cpu', undefined],
  ['a policy', 'pods "box" is forbidden: violates PodSecurity "restricted:latest"', undefined],
  ['nothing', '', undefined],
])('of %s', (_what, words, told) => {
  expect(exceededQuota(words)).toBe(told);
});

test('what is told does not change while others come and go', () => {
  const at = (used: number): string | undefined =>
    exceededQuota(
      `exceeded quota: q, requested: pods=1, used: pods=${String(used)}, limited: pods=9`,
    );
  expect(at(8)).toBe(at(9));
});

test.each([
  [0, 1_000],
  [4_000, 1_000],
  [20_000, 5_000],
  [110_000, 10_000],
])('after %i ms it is tried again in %i ms', (waitedMs, pauseMs) => {
  expect(quotaPauseMs(waitedMs)).toBe(pauseMs);
});
