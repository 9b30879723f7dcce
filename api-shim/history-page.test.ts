import { aSandbox } from '../test/builders/sandbox.ts';
import type { Sandbox } from '../crds/sandbox.ts';
import { HistoryError } from '../storage/history/errors.ts';
import type { Position, Range } from '../storage/history/reader.ts';
import { mergedPage, positionOf, type Lists } from './history-page.ts';

/** Sandboxes named by the second they were created in. */
function at(second: number): Sandbox {
  const name = `s${String(second).padStart(3, '0')}`;
  const creationTimestamp = new Date(Date.UTC(2026, 0, 1, 0, 0, second)).toISOString();
  return aSandbox({ metadata: { name, uid: `uid-${name}`, creationTimestamp } });
}

function newestFirst(seconds: readonly number[]): Sandbox[] {
  return [...seconds].sort((a, b) => b - a).map(at);
}

/** What the database answers, by the plain meaning of its queries; the queries themselves are tried in test/history. */
function pastOf(seconds: readonly number[], leaving: readonly number[] = []) {
  const all = newestFirst(seconds);
  const isNewer = (object: Sandbox, place: Position): boolean =>
    positionOf(object).createdAt > place.createdAt;
  const without = (uids: readonly string[]) =>
    all.filter(({ metadata }) => !uids.includes(metadata.uid));
  return {
    leaving: () => Promise.resolve(leaving.map((second) => at(second).metadata.uid)),
    count: (uids: readonly string[], until?: Position) =>
      Promise.resolve(
        without(uids).filter((object) => until === undefined || isNewer(object, until)).length,
      ),
    page: ({ after, skip, limit, without: uids }: Range) =>
      Promise.resolve(
        without(uids)
          .filter((object) => after === undefined || positionOf(object).createdAt < after.createdAt)
          .slice(skip, skip + limit),
      ),
  };
}

function listsOf(live: readonly number[], past: readonly number[], leaving?: readonly number[]) {
  const objects = newestFirst(live);
  const liveUids = (): Set<string> => new Set(objects.map(({ metadata }) => metadata.uid));
  return { live: objects, past: pastOf(past, leaving), liveUids } satisfies Lists<Sandbox>;
}

const seconds = Array.from({ length: 60 }, (_, second) => second);
const mixtures: [string, (second: number) => boolean][] = [
  ['everything live', () => true],
  ['everything past', () => false],
  ['the newest live', (second) => second > 40],
  ['every other one live', (second) => second % 2 === 0],
  ['one very old one live', (second) => second === 0],
  ['the oldest live', (second) => second < 20],
];

describe('one list of what is live and what is past', () => {
  test.each(mixtures)('pages by offset as if it were one: %s', async (_, isLive) => {
    const lists = listsOf(
      seconds.filter((second) => isLive(second)),
      seconds.filter((second) => !isLive(second)),
    );
    const found: string[] = [];
    for (let offset = 0; offset < 60; offset += 7) {
      const page = await mergedPage(lists, { limit: 7, offset });
      expect(page).toMatchObject({ total: 60, hasMore: offset + 7 < 60, history: 'on' });
      found.push(...page.items.map(({ metadata }) => metadata.name));
    }
    expect(found).toEqual(newestFirst(seconds).map(({ metadata }) => metadata.name));
  });

  test.each(mixtures)('pages by cursor, whatever is created meanwhile: %s', async (_, isLive) => {
    const found: string[] = [];
    let cursor: Position | undefined;
    let newest = 60;
    do {
      const created = Array.from({ length: newest - 60 }, (_, index) => 60 + index);
      const live = [...created, ...seconds.filter((second) => isLive(second))];
      const past = seconds.filter((second) => !isLive(second));
      const page = await mergedPage(listsOf(live, past), { limit: 7, offset: 0, cursor });
      found.push(...page.items.map(({ metadata }) => metadata.name));
      cursor = page.next;
      newest += 5;
    } while (cursor !== undefined);
    expect(found).toEqual(newestFirst(seconds).map(({ metadata }) => metadata.name));
  });

  it('shows what is on its way out once', async () => {
    const page = await mergedPage(listsOf([1, 2, 3], [0, 1, 2], [1, 2]), { limit: 10, offset: 0 });
    expect(page.items.map(({ metadata }) => metadata.name)).toEqual([
      's003',
      's002',
      's001',
      's000',
    ]);
    expect(page.total).toBe(4);
  });

  it('lists what is live when the database does not answer, and says so', async () => {
    const away = () => Promise.reject(new HistoryError('Unavailable', 'away'));
    const lists = { ...listsOf([1, 2], []), past: { leaving: away, count: away, page: away } };
    const page = await mergedPage(lists, { limit: 1, offset: 0 });
    expect(page).toMatchObject({ total: 2, hasMore: true, history: 'unavailable' });
  });

  it('says that there is no history where there is none', async () => {
    const lists = { ...listsOf([1, 2], []), past: undefined };
    expect(await mergedPage(lists, { limit: 5, offset: 1 })).toMatchObject({
      total: 2,
      hasMore: false,
      history: 'off',
    });
  });
});
