import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { z } from 'zod';
import { kubectl, kubectlJson, tryKubectl } from './cluster.ts';
import { connect } from './connect.ts';
import { addNodeAddress, IS_FROM_SOURCE, removeNodeAddress } from './nodes.ts';
import {
  createSandbox,
  inSandboxes,
  inSystem,
  installRelease,
  outcomeOf,
  removeRelease,
  run,
  startSandbox,
  submit,
} from './release.ts';

beforeAll(installRelease, 180_000);
afterAll(removeRelease, 180_000);

const pods = z.object({
  items: z.array(
    z.object({
      status: z.object({ podIP: z.string(), hostIP: z.string() }),
      spec: z.object({ containers: z.array(z.object({ image: z.string() })) }),
    }),
  ),
});

async function firstPod(...selector: string[]): Promise<z.infer<typeof pods>['items'][0]> {
  const { items } = await kubectlJson(pods, ['get', 'pods', ...selector]);
  const [pod] = items;
  if (pod === undefined) throw new Error(`no pod: ${selector.join(' ')}`);
  return pod;
}

const podIP = async (...selector: string[]): Promise<string> =>
  (await firstPod(...selector)).status.podIP;
const serviceIP = (namespace: string, name: string): Promise<string> =>
  kubectl(['get', 'service', '-n', namespace, name, '-o', 'jsonpath={.spec.clusterIP}']);
const sandboxPod = (name: string): string[] =>
  inSandboxes('--selector', `sandbox.ai/sandbox=${name}`);

/** Whether a pod that no policy is for reaches an address: what is closed to all proves nothing. */
async function isOpenElsewhere(host: string, port: number): Promise<boolean> {
  const { image } = (await firstPod(...sandboxPod('one'))).spec.containers[0] ?? { image: '' };
  const code = `${connect(host, port)}\nraise SystemExit(handler({}) != "open")`;
  const name = `network-control-${String(port)}`;
  const options = ['--image', image, '--image-pull-policy=Never', '--restart=Never'];
  await kubectl(['run', name, ...options, '--command', '--', 'python3', '-c', code]);
  try {
    const succeeded = '--for=jsonpath={.status.phase}=Succeeded';
    return (await tryKubectl(['wait', succeeded, `pod/${name}`, '--timeout=20s'])).exitCode === 0;
  } finally {
    await kubectl(['delete', 'pod', name, '--now']);
  }
}

type Address = readonly [string, number];
const targets: Record<string, () => Promise<Address>> = {
  'the API server': async () => [await serviceIP('default', 'kubernetes'), 443],
  'the DNS of the cluster': async () => [await serviceIP('kube-system', 'kube-dns'), 53],
  'the kubelet of its node': async () => [
    (await firstPod(...sandboxPod('one'))).status.hostIP,
    10_250,
  ],
  'the executor of another sandbox': async () => [await podIP(...sandboxPod('one')), 8080],
  'the REST API': async () => [
    await podIP(...inSystem('--selector', 'app.kubernetes.io/name=sandbox-api')),
    8000,
  ],
  'the metrics of the operator': async () => [
    await podIP(...inSystem('--selector', 'app.kubernetes.io/name=sandbox-operator')),
    8081,
  ],
  'the metadata service': () => Promise.resolve(['169.254.169.254', 80]),
};

describe('the network of a sandbox', () => {
  beforeAll(async () => {
    await startSandbox('one');
    await startSandbox('two');
  });

  test('holds itself, so that closed means closed', async () => {
    const loopback = await run('two', 'itself', connect('127.0.0.1', 8080));
    expect(loopback).toMatchObject({ returnValue: 'open' });
  });

  test('is not what keeps others from the API server', async () => {
    expect(await isOpenElsewhere(await serviceIP('default', 'kubernetes'), 443)).toBe(true);
  });

  test.each(Object.keys(targets))('does not lead to %s', async (target) => {
    const [host, port] = (await targets[target]?.()) ?? ['', 0];
    expect(host).not.toBe('');
    const name = `to-${String(Object.keys(targets).indexOf(target))}`;
    expect(await run('two', name, connect(host, port))).toMatchObject({ returnValue: 'closed' });
  });

  test('is closed before the first line of code runs', async () => {
    const host = await serviceIP('default', 'kubernetes');
    const names = Array.from({ length: 6 }, (_, index) => `early-${String(index)}`);
    for (const name of names) {
      await createSandbox(name);
      await submit(name, name, connect(host, 443));
    }
    for (const name of names) {
      expect(await outcomeOf(name)).toMatchObject({ returnValue: 'closed' });
    }
  });
});

if (IS_FROM_SOURCE) {
  describe('the internet', () => {
    // Of a block that is kept for documentation (RFC 5737): public for every rule, and here on the node itself.
    const HOST = '198.51.100.7';
    let server: Server;
    let port: number;

    beforeAll(async () => {
      await addNodeAddress(HOST);
      server = createServer((socket) => socket.end()).listen(0, HOST);
      await once(server, 'listening');
      ({ port } = z.object({ port: z.number() }).parse(server.address()));
    });
    afterAll(async () => {
      server.close();
      await removeNodeAddress(HOST);
    });

    test('is open to a pod that no policy is for, and closed to a sandbox', async () => {
      expect(await isOpenElsewhere(HOST, port)).toBe(true);
      const ran = await run('two', 'internet', connect(HOST, port));
      expect(ran).toMatchObject({ returnValue: 'closed' });
    });
  });
}
