import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import type { ObjectStore } from '../../storage/objects/object-store.ts';

const coded = (code: string): unknown => expect.objectContaining({ name: 'StoreError', code });

/** What every object store does; run over each of them. */
export function storeContract(open: () => Promise<ObjectStore>): void {
  let store: ObjectStore;
  const put = (key: string, content: string | Buffer, more: object = {}): Promise<void> =>
    store.put(key, Readable.from([Buffer.from(content)]), more);
  const read = async (key: string): Promise<string> => text((await store.get(key)).content);
  const keys = async (prefix: string): Promise<string[]> =>
    (await store.list(prefix)).objects.map(({ key }) => key);

  beforeAll(async () => {
    store = await open();
    await store.check();
  });
  afterAll(() => {
    store.close();
  });

  describe('an object', () => {
    test('comes back as it was put, with its size, type, time and a quoted tag', async () => {
      await put('one/hello.txt', 'hello', { size: 5, contentType: 'text/plain' });
      const { head, content } = await store.get('one/hello.txt');
      expect(await text(content)).toBe('hello');
      expect(head).toEqual({
        key: 'one/hello.txt',
        size: 5,
        contentType: 'text/plain',
        etag: expect.stringMatching(/^"[^"]+"$/),
        modifiedAt: expect.any(Date),
      });
      expect(await store.head('one/hello.txt')).toEqual(head);
    });

    test('has a URL for people, whether or not it is there', () => {
      expect(store.locationOf('one/hello.txt')).toMatch(/^(s3|file):\/\/.+\/one\/hello\.txt$/);
      expect(() => store.locationOf('../up')).toThrow(coded('BadKey') as Error);
    });

    test('may be of a length that nobody knows beforehand', async () => {
      const bytes = randomBytes(11 * 2 ** 20);
      const chunks = Array.from({ length: 11 }, (_, n) =>
        bytes.subarray(n * 2 ** 20, (n + 1) * 2 ** 20),
      );
      await store.put('one/unknown', Readable.from(chunks));
      const { head, content } = await store.get('one/unknown');
      expect(head.size).toBe(bytes.length);
      expect(bytes.equals(await buffer(content))).toBe(true);
    });

    test.each([{ size: 0 }, {}])('may be empty, said %j', async (options) => {
      await store.put('one/empty', Readable.from([]), options);
      expect(await read('one/empty')).toBe('');
      expect(await store.head('one/empty')).toMatchObject({ size: 0 });
    });

    test('is replaced, and has another tag and type then', async () => {
      await put('one/replaced', 'before', { contentType: 'text/plain' });
      const before = await store.head('one/replaced');
      await put('one/replaced', 'after!');
      const after = await store.head('one/replaced');
      expect(await read('one/replaced')).toBe('after!');
      expect(after?.etag).not.toBe(before?.etag);
      expect(after?.contentType).toBe('application/octet-stream');
    });

    test('that is not there has no head, and cannot be read', async () => {
      expect(await store.head('one/missing')).toBeUndefined();
      await expect(store.get('one/missing')).rejects.toEqual(coded('NotFound'));
    });

    test('whose content fails leaves what was there, and the failure is told as it was', async () => {
      await put('one/kept', 'kept');
      const failure = new Error('the source broke');
      const broken = (): Readable =>
        Readable.from(
          (function* () {
            yield Buffer.from('ke');
            throw failure;
          })(),
        );
      await expect(store.put('one/kept', broken(), { size: 4 })).rejects.toBe(failure);
      await expect(store.put('one/kept', broken())).rejects.toBe(failure);
      expect(await read('one/kept')).toBe('kept');
    });

    test.each([
      ['more', 'abcdef'],
      ['fewer', 'abc'],
    ])('of %s bytes than announced is not stored', async (_what, content) => {
      await put('one/sized', 'kept');
      await expect(put('one/sized', content, { size: 5 })).rejects.toEqual(coded('BadSize'));
      expect(await read('one/sized')).toBe('kept');
    });

    test('is not stored if that is given up', async () => {
      const giveUp = new AbortController();
      const endless = new Readable({ read: () => undefined });
      endless.push('x');
      const given = store.put('one/given-up', endless, { size: 10, signal: giveUp.signal });
      giveUp.abort();
      await expect(given).rejects.toEqual(coded('Aborted'));
      expect(endless.destroyed).toBe(true);
      expect(await store.head('one/given-up')).toBeUndefined();
    });

    test.each(['a b+c&d=e', 'ümläut/日本', '%2e%2e', 'tab\tnewline\n', '.hidden/..data', 'q?#[]*'])(
      'may be called %j',
      async (name) => {
        await put(`names/${name}`, name);
        expect(await read(`names/${name}`)).toBe(name);
        expect(await keys('names/')).toContain(`names/${name}`);
        await store.delete(`names/${name}`);
        expect(await keys('names/')).toEqual([]);
      },
    );

    test.each(['', '/absolute', '../up', 'a/../../up', 'a//b', 'a/', 'nul\0', 'a'.repeat(2_000)])(
      'is never called %j',
      async (key) => {
        const bad = coded('BadKey');
        await expect(put(key, 'x')).rejects.toEqual(bad);
        await expect(store.get(key)).rejects.toEqual(bad);
        await expect(store.head(key)).rejects.toEqual(bad);
        await expect(store.delete(key)).rejects.toEqual(bad);
      },
    );
  });

  describe('a range', () => {
    beforeAll(() => put('ranges/digits', '0123456789'));

    test.each([
      [{ start: 0, end: 0 }, '0'],
      [{ start: 2, end: 4 }, '234'],
      [{ start: 8, end: 100 }, '89'],
    ])('of %j is %j, and the size is that of the whole', async (range, expected) => {
      const { head, content } = await store.get('ranges/digits', { range });
      expect(await text(content)).toBe(expected);
      expect(head.size).toBe(10);
    });

    test('that begins behind the end is refused', async () => {
      const range = { start: 10, end: 11 };
      await expect(store.get('ranges/digits', { range })).rejects.toEqual(coded('BadRange'));
    });
  });

  describe('a prefix', () => {
    beforeAll(async () => {
      for (const key of ['p/s1/b', 'p/s1/a/z', 'p/s1/a.txt', 'p/s10/x', 'p/s1x', 'p/s2/a'])
        await put(key, key);
    });

    test('finds what is below it, folders deep, and nothing beside it', async () => {
      expect((await keys('p/s1/')).sort()).toEqual(['p/s1/a.txt', 'p/s1/a/z', 'p/s1/b']);
      expect(await keys('p/s3/')).toEqual([]);
      await expect(store.list('p/s1')).rejects.toEqual(coded('BadKey'));
    });

    test('is read page by page, every object once', async () => {
      const seen: string[] = [];
      let cursor: string | undefined;
      do {
        const page = await store.list('p/', { limit: 2, cursor });
        expect(page.objects.length).toBeLessThanOrEqual(2);
        seen.push(...page.objects.map(({ key }) => key));
        cursor = page.cursor;
      } while (cursor !== undefined);
      expect(seen).toEqual([...new Set(seen)]);
      expect(seen).toHaveLength(6);
    });

    test('tells size, tag and time of each', async () => {
      const [entry] = (await store.list('p/s2/')).objects;
      const head = await store.head('p/s2/a');
      expect(entry).toMatchObject({ key: 'p/s2/a', size: 6, etag: head?.etag });
    });

    test('is deleted with all below it, and nothing beside it', async () => {
      await store.deletePrefix('p/s1/');
      expect((await keys('p/')).sort()).toEqual(['p/s10/x', 'p/s1x', 'p/s2/a']);
      await store.deletePrefix('p/s1/');
      await expect(store.deletePrefix('p/s10')).rejects.toEqual(coded('BadKey'));
    });
  });

  test('an object is deleted, and deleting it again is as good', async () => {
    await put('gone/a/b', 'x');
    await store.delete('gone/a/b');
    await store.delete('gone/a/b');
    expect(await keys('gone/')).toEqual([]);
  });

  test('a file may take the place of a folder that was emptied, and the other way round', async () => {
    await put('turn/a/b', 'below');
    await store.delete('turn/a/b');
    await put('turn/a', 'file');
    await store.delete('turn/a');
    await put('turn/a/b', 'below again');
    expect(await keys('turn/')).toEqual(['turn/a/b']);
  });
}
