import { EventBuffer } from './event-buffer.ts';

const roomy = { bytes: 1_000, events: 100 };
const never = new AbortController().signal;

describe('EventBuffer', () => {
  it('numbers output and end from 0 without gaps', () => {
    const buffer = new EventBuffer(roomy);
    buffer.push('stdout', Buffer.from('a'));
    buffer.push('stderr', Buffer.from('b'));
    buffer.end('Completed');
    expect(buffer.read(0, 10)).toEqual([
      { n: 0, type: 'stdout', data: 'a' },
      { n: 1, type: 'stderr', data: 'b' },
      { n: 2, type: 'end', phase: 'Completed' },
    ]);
  });

  it('goes on from any number', () => {
    const buffer = new EventBuffer(roomy);
    for (const letter of 'abcd') buffer.push('stdout', Buffer.from(letter));
    expect(buffer.read(2, 1)).toEqual([{ n: 2, type: 'stdout', data: 'c' }]);
    expect(buffer.read(4, 1)).toEqual([]);
  });

  it('holds back half a character until its other half comes', () => {
    const buffer = new EventBuffer(roomy);
    const rocket = Buffer.from('🚀');
    buffer.push('stdout', rocket.subarray(0, 2));
    expect(buffer.read(0, 10)).toEqual([]);
    buffer.push('stdout', rocket.subarray(2));
    expect(buffer.read(0, 10)).toEqual([{ n: 0, type: 'stdout', data: '🚀' }]);
  });

  it('gives out half a character as replaced when nothing more comes', () => {
    const buffer = new EventBuffer(roomy);
    buffer.push('stderr', Buffer.from('🚀').subarray(0, 2));
    buffer.end('Failed');
    expect(buffer.read(0, 10)).toMatchObject([{ type: 'stderr', data: '\uFFFD' }, { type: 'end' }]);
  });

  it.each([
    ['bytes', { bytes: 3, events: 100 }],
    ['events', { bytes: 1_000, events: 3 }],
  ])(
    'forgets the oldest beyond its limit of %s, and tells of the gap so that a reader can go on after it',
    (_, limits) => {
      const buffer = new EventBuffer(limits);
      for (const letter of 'abcde') buffer.push('stdout', Buffer.from(letter));
      const [gap, ...rest] = buffer.read(0, 10);
      expect(gap).toEqual({ n: 1, type: 'gap', bytes: 2 });
      expect(rest.map(({ n }) => n)).toEqual([2, 3, 4]);
      expect(buffer.read(2, 10)).toEqual(rest);
    },
  );

  it('keeps the end even if it holds nothing else', () => {
    const buffer = new EventBuffer({ bytes: 1, events: 1 });
    buffer.push('stdout', Buffer.from('long'));
    buffer.end('Completed');
    expect(buffer.read(0, 10).at(-1)).toEqual({ n: 1, type: 'end', phase: 'Completed' });
  });

  it('wakes whoever waits when something is added', async () => {
    const buffer = new EventBuffer(roomy);
    const woken = buffer.changed(never);
    buffer.push('stdout', Buffer.from('a'));
    await expect(woken).resolves.toBeUndefined();
  });

  it('lets go of whoever waits and goes away', async () => {
    const buffer = new EventBuffer(roomy);
    const controller = new AbortController();
    const woken = buffer.changed(controller.signal);
    controller.abort();
    await expect(woken).resolves.toBeUndefined();
  });
});
