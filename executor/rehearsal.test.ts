import { rehearse } from './rehearsal.ts';
import { sendJson, type Route } from './router.ts';

let asked: string[];
const pause = (): Promise<void> => Promise.resolve();

const routes: readonly Route[] = [
  {
    method: 'PUT',
    pattern: /^\/v1\/executions\/([^/]+)$/,
    handle: ({ parts: [id = ''], response }) => {
      asked.push(id);
      sendJson(response, {});
      return Promise.resolve();
    },
  },
];

beforeEach(() => {
  asked = [];
});

test('a sandbox that nobody uses goes through two runs', async () => {
  await rehearse({ routes, pause, isUsed: () => false });
  expect(asked).toEqual(['rehearsal-1', 'rehearsal-2']);
});

test('one that is used already goes through none, and one that is used meanwhile through no further', async () => {
  await rehearse({ routes, pause, isUsed: () => true });
  expect(asked).toEqual([]);
  await rehearse({ routes, pause, isUsed: () => asked.length > 0 });
  expect(asked).toEqual(['rehearsal-1']);
});
