import { mkdtempSync, rmSync } from 'node:fs';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parse } from 'yaml';
import { FakeClock } from '../../test/fakes/clock.ts';
import { FakeLogger } from '../../test/fakes/logger.ts';
import { createApiServer, type ApiServer } from './api-server.ts';
import { kubeconfigFor } from './kubeconfig.ts';
import { createMemoryStore, createSqliteStore, type Store } from './store.ts';

const TOKEN = 'a-token';
const MAPS = '/api/v1/namespaces/default/configmaps';
const GEARS = '/apis/gear.test/v1/gears';
const GEAR_CRD = {
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: 'gears.gear.test' },
  spec: {
    group: 'gear.test',
    scope: 'Cluster',
    names: { kind: 'Gear', plural: 'gears' },
    versions: [
      { name: 'v1', served: true, storage: true, schema: { openAPIV3Schema: { type: 'object' } } },
    ],
  },
};

let clock: FakeClock;
let logger: FakeLogger;
let server: ApiServer | undefined;
let url: string;

beforeEach(() => {
  clock = new FakeClock();
  logger = new FakeLogger();
});
afterEach(async () => {
  await server?.close();
  server = undefined;
  expect(logger.at('error')).toEqual([]);
});

async function start(store: Store, crds: readonly object[] = []): Promise<void> {
  server = createApiServer({ crds, store, token: TOKEN, logger, clock });
  url = await server.listen(0, '127.0.0.1');
}

interface Answer {
  readonly code: number;
  readonly text: string;
}

/** As it is: `fetch` would mend paths and refuse passwords in URLs. */
function call(
  method: string,
  at: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const { hostname, port } = new URL(url);
  const json = { 'Content-Type': 'application/json', Authorization: `Bearer ${TOKEN}` };
  return new Promise((resolve, reject) => {
    const sent = request(
      { method, hostname, port, path: at, headers: { ...json, ...headers } },
      (answer) => {
        let text = '';
        answer.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
        answer.on('end', () => {
          resolve({ code: answer.statusCode ?? 0, text });
        });
      },
    );
    sent.on('error', reject).end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function map(name: string, metadata: object = {}): object {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, ...metadata }, data: { a: 'b' } };
}

describe('a server that starts again on what it kept', () => {
  let folder: string;
  const reopened = (crds: readonly object[] = []): Promise<void> =>
    start(createSqliteStore(path.join(folder, 'state.db')), crds);

  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'api-server-'));
  });
  afterEach(async () => {
    await server?.close();
    server = undefined;
    rmSync(folder, { recursive: true });
  });

  test('has the same objects and counts on', async () => {
    await reopened([GEAR_CRD]);
    const first = await call('POST', GEARS, {
      apiVersion: 'gear.test/v1',
      kind: 'Gear',
      metadata: { name: 'one' },
    });
    await server?.close();
    await reopened();
    expect((await call('GET', `${GEARS}/one`)).text).toBe(first.text);
    const revision = (text: string): number => Number(/"resourceVersion":"(\d+)"/.exec(text)?.[1]);
    const second = await call('POST', MAPS, map('later'));
    expect(revision(second.text)).toBe(revision(first.text) + 1);
  });

  test('writes nothing new of what it needs itself', async () => {
    await reopened([GEAR_CRD]);
    const before = (await call('GET', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'))
      .text;
    await server?.close();
    await reopened([GEAR_CRD]);
    expect(
      (await call('GET', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions')).text,
    ).toBe(before);
  });

  test('shows what an older schema let in with the defaults of the newer one', async () => {
    await reopened([GEAR_CRD]);
    const gear = { apiVersion: 'gear.test/v1', kind: 'Gear', metadata: { name: 'one' } };
    const first = await call('POST', GEARS, gear);
    await server?.close();
    const teeth = { type: 'integer', default: 12 };
    const schema = { openAPIV3Schema: { type: 'object', properties: { teeth } } };
    const versions = [{ name: 'v1', served: true, storage: true, schema }];
    await reopened([{ ...GEAR_CRD, spec: { ...GEAR_CRD.spec, versions } }]);
    const shown: unknown = JSON.parse((await call('GET', `${GEARS}/one`)).text);
    expect(shown).toEqual({ ...Object(JSON.parse(first.text)), teeth: 12 });
    expect((await call('GET', GEARS)).text).toContain('"teeth":12');
  });

  test('ends watches from before, which it cannot serve', async () => {
    await reopened();
    await call('POST', MAPS, map('one'));
    await call('POST', MAPS, map('two'));
    await server?.close();
    await reopened();
    expect((await call('GET', `${MAPS}?watch=true&resourceVersion=5`)).text).toContain(
      '"reason":"Expired","code":410',
    );
  });

  test('collects what lost its owner while the server was down', async () => {
    const store = createSqliteStore(path.join(folder, 'state.db'));
    const owner = { apiVersion: 'v1', kind: 'Pod', name: 'gone', uid: 'gone' };
    const metadata = {
      name: 'left',
      namespace: 'default',
      uid: 'left',
      resourceVersion: '9',
      creationTimestamp: '2026-01-02T03:04:05Z',
      ownerReferences: [owner],
    };
    store.put(
      {
        storage: 'configmaps',
        namespace: 'default',
        name: 'left',
        text: JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata }),
      },
      9,
    );
    await start(store);
    expect((await call('GET', `${MAPS}/left`)).code).toBe(200);
    clock.advance(0);
    expect((await call('GET', `${MAPS}/left`)).code).toBe(404);
  });
});

describe('a request', () => {
  beforeEach(() => start(createMemoryStore()));

  test.each([
    ['whose path is none', 'GET', '//', 400],
    ['whose path is badly escaped', 'GET', '/api/v1/pods/%ZZ', 400],
    ['for nothing', 'GET', '/nothing', 404],
    ['with a verb of its own', 'BREW', '/api/v1/pods', 404],
  ])('%s is answered', async (_, method, at, code) => {
    expect((await call(method === 'BREW' ? 'PROPFIND' : method, at)).code).toBe(code);
  });

  test('with too large a body is refused', async () => {
    const { code, text } = await call(
      'POST',
      MAPS,
      map('large', { annotations: { a: 'x'.repeat(4 * 1024 * 1024) } }),
    );
    expect([code, text]).toEqual([413, expect.stringContaining('RequestEntityTooLarge')]);
  });

  test('that takes only what the server cannot write is not acceptable', async () => {
    expect(
      (await call('GET', MAPS, undefined, { Accept: 'application/vnd.kubernetes.protobuf' })).code,
    ).toBe(406);
  });

  test('may show the token as a password', async () => {
    const basic = (password: string): Record<string, string> => ({
      Authorization: `Basic ${Buffer.from(`anyone:${password}`).toString('base64')}`,
    });
    expect((await call('GET', MAPS, undefined, basic(TOKEN))).code).toBe(200);
    expect((await call('GET', MAPS, undefined, basic('wrong'))).code).toBe(401);
    expect((await call('GET', '/healthz', undefined, basic('wrong'))).code).toBe(401);
  });

  test('with unknown fields of any spelling is warned, not failed', async () => {
    await server?.close();
    await start(createMemoryStore(), [GEAR_CRD]);
    const gear = { apiVersion: 'gear.test/v1', kind: 'Gear', metadata: { name: 'one' }, größe: 1 };
    expect((await call('POST', GEARS, gear)).code).toBe(201);
  });
});

test('a kubeconfig holds the token where kubectl and where client-node look for it', () => {
  expect(parse(kubeconfigFor('http://127.0.0.1:6444', TOKEN))).toMatchObject({
    clusters: [{ cluster: { server: `http://sandbox-local:${TOKEN}@127.0.0.1:6444` } }],
    users: [{ user: { token: TOKEN } }],
  });
});
