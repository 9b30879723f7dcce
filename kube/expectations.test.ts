import { aWidget } from '../test/builders/widget.ts';
import { FakeClock } from '../test/fakes/clock.ts';
import { creationOf, deletionOf, Expectations } from './expectations.ts';
import { refOf } from './objects.ts';

const child = aWidget({ name: 'child' });

test('a pool waits for the children it asked for, and for nothing else', () => {
  const expectations = new Expectations(new FakeClock());
  expectations.expect('pool', creationOf(refOf(child)));
  expectations.expect('pool', deletionOf(aWidget({ name: 'old' })));
  expect(expectations.satisfied('other')).toBe(true);
  expectations.observe('pool', { type: 'added', object: child, initial: false });
  expect(expectations.satisfied('pool')).toBe(false);
  expectations.observe('pool', { type: 'deleted', object: aWidget({ name: 'old' }) });
  expect(expectations.satisfied('pool')).toBe(true);
});

test('the deletion of a namesake satisfies nobody', () => {
  const expectations = new Expectations(new FakeClock());
  expectations.expect('pool', deletionOf(child));
  expectations.observe('pool', {
    type: 'deleted',
    object: aWidget({ name: 'child', uid: 'other' }),
  });
  expect(expectations.satisfied('pool')).toBe(false);
});

test('a failed call is not waited for', () => {
  const expectations = new Expectations(new FakeClock());
  expectations.expect('pool', creationOf(refOf(child)));
  expectations.settle('pool', creationOf(refOf(child)));
  expect(expectations.satisfied('pool')).toBe(true);
});

test('an event that never comes blocks nobody for ever, and does not live on in the next expectation', () => {
  const clock = new FakeClock();
  const expectations = new Expectations(clock, 1_000);
  expectations.expect('pool', creationOf(refOf(child)));
  clock.advance(1_000);
  expect(expectations.satisfied('pool')).toBe(true);
  expectations.expect('pool', deletionOf(child));
  expectations.observe('pool', { type: 'deleted', object: child });
  expect(expectations.satisfied('pool')).toBe(true);
});
