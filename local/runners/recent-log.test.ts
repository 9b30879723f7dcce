import { RecentLog } from './recent-log.ts';

const { signal } = new AbortController();
const ALL = { tailLines: undefined, sinceMs: undefined, timestamps: false, follow: false, signal };

async function text(pieces: AsyncIterable<Buffer>): Promise<string> {
  let all = '';
  for await (const piece of pieces) all += piece.toString();
  return all;
}

let now = 0;
beforeEach(() => {
  now = Date.parse('2026-01-01T00:00:00Z');
});

test('gives whole lines: all, the last, those since a time, with their times', async () => {
  const log = new RecentLog(() => now);
  log.push('one\ntw');
  now += 1_000;
  log.push('o\nthr');
  expect(await text(log.read(ALL))).toBe('one\ntwo\n');
  expect(await text(log.read({ ...ALL, tailLines: 1 }))).toBe('two\n');
  expect(await text(log.read({ ...ALL, tailLines: 0 }))).toBe('');
  expect(await text(log.read({ ...ALL, sinceMs: now }))).toBe('two\n');
  expect(await text(log.read({ ...ALL, timestamps: true, tailLines: 1 }))).toBe(
    '2026-01-01T00:00:01.000Z two\n',
  );
});

test('keeps the last of a long log, and cuts a line without end', async () => {
  const log = new RecentLog(() => now, 10);
  log.push('aaaa\nbbbb\ncccc\n');
  expect(await text(log.read(ALL))).toBe('bbbb\ncccc\n');
  log.push('d'.repeat(11));
  expect(await text(log.read(ALL))).toBe(`${'d'.repeat(11)}\n`);
});

test('a follower gets what comes later, until the end or until it leaves', async () => {
  const log = new RecentLog(() => now);
  log.push('before\n');
  const followed = text(log.read({ ...ALL, follow: true }));
  const left = new AbortController();
  const leaving = text(log.read({ ...ALL, follow: true, tailLines: 0, signal: left.signal }));
  await new Promise((resolve) => setImmediate(resolve));
  log.push('after\n');
  await new Promise((resolve) => setImmediate(resolve));
  left.abort();
  expect(await leaving).toBe('after\n');
  log.push('last');
  log.end();
  expect(await followed).toBe('before\nafter\nlast\n');
});
