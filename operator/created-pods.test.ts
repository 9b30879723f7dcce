import { aPodOf } from '../test/builders/pod.ts';
import { aSandbox } from '../test/builders/sandbox.ts';
import { FakeClock } from '../test/fakes/clock.ts';
import { CreatedPods } from './created-pods.ts';

const OWNER = aSandbox().metadata.uid;
const pod = aPodOf(aSandbox(), { metadata: { name: 'box-1', uid: 'next' } });
const any = (): boolean => true;
let clock: FakeClock;
let pods: CreatedPods;

beforeEach(() => {
  clock = new FakeClock();
  pods = new CreatedPods(clock);
  pods.remember(OWNER, pod);
});

test('a pod that was just made is known before the cache shows it', () => {
  expect(pods.find(OWNER, any)).toBe(pod);
  expect(pods.find('somebody else', any)).toBeUndefined();
});

test('news of the pod before it are none of the one that was just made', () => {
  pods.forget(OWNER, 'last');
  expect(pods.find(OWNER, any)).toBe(pod);
  pods.forget(OWNER, 'next');
  expect(pods.find(OWNER, any)).toBeUndefined();
});

test('it is forgotten with its owner, and after a while', () => {
  clock.advance(5_000);
  expect(pods.find(OWNER, any)).toBeUndefined();
  pods.remember(OWNER, pod);
  pods.forgetOwner(OWNER);
  expect(pods.find(OWNER, any)).toBeUndefined();
});
