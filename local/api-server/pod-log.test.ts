import { KubeConfig } from '@kubernetes/client-node';
import { createHttpClient, type HttpClient } from '../../kube/http-client.ts';
import type { PodLogOptions } from '../../kube/pod-log.ts';
import { PODS } from '../../kube/pod.ts';
import { FakeClock } from '../../test/fakes/clock.ts';
import { FakeLogger } from '../../test/fakes/logger.ts';
import { createApiServer, type ApiServer } from './api-server.ts';
import { kubeconfigFor } from './kubeconfig.ts';
import type { PodLogRequest } from './pod-log.ts';
import { createMemoryStore } from './store.ts';

const REF = { namespace: 'default', name: 'talks' };
const { signal } = new AbortController();

let server: ApiServer;
let client: HttpClient;
let uid: string;
let asked: PodLogRequest[];
let log: ((request: PodLogRequest) => AsyncIterable<Buffer>) | undefined;

async function* pieces(...texts: readonly string[]): AsyncGenerator<Buffer> {
  for (const text of texts) yield await Promise.resolve(Buffer.from(text));
}

beforeEach(async () => {
  asked = [];
  log = () => pieces('one\n', 'two\n');
  server = createApiServer({
    crds: [],
    store: createMemoryStore(),
    token: 'token',
    logger: new FakeLogger(),
    clock: new FakeClock('2026-01-01T00:01:00Z'),
    podLogs: (podUID, request) => {
      asked.push(request);
      return Promise.resolve(podUID === uid ? log?.(request) : undefined);
    },
  });
  const config = new KubeConfig();
  config.loadFromString(kubeconfigFor(await server.listen(0, '127.0.0.1'), 'token'));
  client = createHttpClient(config);
  const created = await client.create(PODS, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: REF,
    spec: { containers: [{ name: 'sandbox', image: 'x' }], nodeName: 'here' },
  });
  uid = created.metadata.uid;
});
afterEach(async () => {
  await client.close();
  await server.close();
});

async function read(options: Omit<PodLogOptions, 'signal'> = {}): Promise<string> {
  let text = '';
  for await (const piece of await client.podLog(REF, { ...options, signal }))
    text += piece.toString();
  return text;
}

test('is read through the client as it is', async () => {
  expect(await read()).toBe('one\ntwo\n');
  expect(await read({ limitBytes: 5 })).toBe('one\nt');
});

test('is asked for as the client wishes', async () => {
  await read({ tailLines: 7, sinceTime: '2026-01-01T00:00:00Z', timestamps: true });
  expect(asked).toMatchObject([
    { tailLines: 7, sinceMs: Date.parse('2026-01-01T00:00:00Z'), timestamps: true, follow: false },
  ]);
});

test('is followed until the reader leaves', async () => {
  const left = Promise.withResolvers<unknown>();
  log = async function* (request): AsyncGenerator<Buffer> {
    yield Buffer.from('one\n');
    await new Promise((resolve) => {
      request.signal.addEventListener('abort', resolve);
    });
    left.resolve(undefined);
  };
  for await (const piece of await client.podLog(REF, { follow: true, signal })) {
    expect(piece.toString()).toBe('one\n');
    break;
  }
  await left.promise;
});

test('of a container that does not run is a bad request', async () => {
  log = undefined;
  await expect(read()).rejects.toMatchObject({
    status: { code: 400, message: 'container "sandbox" in pod "talks" is not available' },
  });
});
