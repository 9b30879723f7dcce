import { jest } from '@jest/globals';
import { PODS } from '../../kube/pod.ts';
import { createHttpClient } from '../../kube/http-client.ts';
import { loadKubeConfig } from '../../kube/kube-config.ts';
import { aWheel, anSdist } from '../builders/python-packages.ts';
import { LocalRun, type Answer } from './local-run.ts';
import { PackageServer } from './package-server.ts';
import { eventually } from './rest-session.ts';

/** Starting everything, with images to build, takes its time on a busy machine. */
jest.setTimeout(300_000);

type Body = Answer['body'];

/** Packages from an index of the test's own, installed by real uv in real sandboxes, the same for each runner. */
export function describeDependencies(runner: 'docker' | 'process'): void {
  describe(`packages on the ${runner} runner`, () => {
    let local: LocalRun;
    let index: PackageServer;

    beforeAll(async () => {
      index = await PackageServer.start();
      local = await LocalRun.create(runner);
      await up();
    });

    afterAll(async () => {
      await local.remove();
      await index.close();
    });

    beforeEach(() => {
      index.asked.length = 0;
      index.lies = [];
    });

    function up(): Promise<string> {
      return local.up({ SANDBOX_PACKAGE_HOSTS: index.host });
    }

    async function create(dependencies: readonly object[], more: object = {}): Promise<string> {
      const body = {
        template_id: 'python-basic',
        memory: '256Mi',
        dependencies,
        python_package_index_url: index.url,
        ...more,
      };
      const created = await local.call('POST', '/sessions', body);
      expect(created).toMatchObject({
        status: 201,
        body: { dependency_install_status: dependencies.length === 0 ? 'completed' : 'installing' },
      });
      return String(created.body['id']);
    }

    async function run(id: string, code: string, language = 'python'): Promise<Body> {
      const route = `/sessions/${id}/execute-sync?sync_timeout=120`;
      return (await local.call('POST', route, { code, language, timeout: 30 })).body;
    }

    function install(id: string, dependencies: readonly object[]): Promise<Answer> {
      return local.call('POST', `/sessions/${id}/dependencies/install`, { dependencies });
    }

    function settled(id: string): Promise<Body> {
      return eventually(async () => {
        const { body } = await local.call('GET', `/sessions/${id}`);
        return body['dependency_install_status'] === 'installing' ? undefined : body;
      }, `the end of the installation in ${id}`);
    }

    test('a run that is sent at once finds the packages; a second session costs the index nothing', async () => {
      index.distributions = [await aWheel('greeting', '1.2')];
      const code = 'import greeting; print(greeting.__version__)';
      const first = await create([{ name: 'greeting', version: '==1.2' }]);
      expect(await run(first, code)).toMatchObject({ status: 'completed', stdout: '1.2\n' });
      expect(await settled(first)).toMatchObject({
        status: 'running',
        dependency_install_status: 'completed',
        installed_dependencies: [{ name: 'greeting', version: '1.2' }],
      });
      const asked = index.asked.length;
      const second = await create([{ name: 'greeting' }]);
      expect(await run(second, code)).toMatchObject({ stdout: '1.2\n' });
      expect(index.asked).toHaveLength(asked);
    });

    test('a version that there is not fails with the words of the installer, and the session runs', async () => {
      index.distributions = [await aWheel('numbered', '1.0')];
      const id = await create([{ name: 'numbered', version: '==0.13.5' }]);
      expect(await run(id, 'print("runs")')).toMatchObject({ stdout: 'runs\n' });
      expect(await settled(id)).toMatchObject({
        status: 'running',
        dependency_install_status: 'failed',
        dependency_install_error: expect.stringContaining('numbered==0.13.5'),
        installed_dependencies: [],
      });
      expect((await install(id, [{ name: 'numbered', version: '1.0' }])).status).toBe(200);
      expect(await run(id, 'import numbered')).toMatchObject({ status: 'completed' });
    });

    test('case 175: an installation during which the control plane is killed comes to its end', async () => {
      index.distributions = [await aWheel('patient', '1.0')];
      index.hold();
      const id = await create([{ name: 'patient' }]);
      await index.heard('/simple/patient/');
      local.kill();
      await up();
      index.release();
      expect(await settled(id)).toMatchObject({ dependency_install_status: 'completed' });
      expect(await run(id, 'import patient')).toMatchObject({ status: 'completed' });
    });

    test('of two installations at once the second is refused', async () => {
      index.distributions = [await aWheel('slow', '1.0'), await aWheel('eager', '1.0')];
      const id = await create([]);
      index.hold();
      const first = install(id, [{ name: 'slow' }]);
      await index.heard('/simple/slow/');
      expect(await install(id, [{ name: 'eager' }])).toMatchObject({
        status: 409,
        body: { code: 'DependencyInstallInProgress' },
      });
      index.release();
      expect(await first).toMatchObject({ status: 200 });
    });

    test('a pod that replaces another has the packages before it runs anything', async () => {
      index.distributions = [await aWheel('faithful', '1.0')];
      const id = await create([{ name: 'faithful' }]);
      const before = await settled(id);
      const client = createHttpClient(loadKubeConfig({ path: local.kubeconfig }));
      const podName = String(before['pod_name']);
      await client.delete(PODS, { namespace: 'default', name: podName });
      await client.close();
      await eventually(async () => {
        const { body } = await local.call('GET', `/sessions/${id}`);
        return body['pod_name'] === podName ? undefined : true;
      }, 'another pod');
      expect(await run(id, 'import faithful')).toMatchObject({ status: 'completed' });
    });

    test('the build of a hostile source distribution reaches neither a network nor the daemon nor another folder', async () => {
      const payload = `
import os, socket
found = []
for address in (('192.0.2.1', 80), ('169.254.169.254', 80)):
    try: socket.create_connection(address, timeout=2); found.append(address)
    except OSError: pass
for path in ('/proc/1/environ', '/opt/executor/new', '/usr/new', '/etc/new', '/opt/new'):
    try: open(path, 'r' if 'proc' in path else 'w').read; found.append(path)
    except OSError: pass
open('/workspace/found', 'w').write(repr(found))
`;
      index.distributions = [await anSdist('hostile', '1.0', payload)];
      const id = await create([{ name: 'hostile' }]);
      const seen = await run(id, 'print(open("/workspace/found").read())');
      expect(seen).toMatchObject({ stdout: '[]\n' });
    });

    test('an index that names files by paths gets nothing written anywhere', async () => {
      index.distributions = [await aWheel('liar', '1.0')];
      index.lies = [
        '../../../../workspace/evil-2.0-py3-none-any.whl',
        '..%2f..%2fliar-3.0-py3-none-any.whl',
      ];
      const id = await create([{ name: 'liar' }]);
      expect(await settled(id)).toMatchObject({
        installed_dependencies: [{ name: 'liar', version: '1.0' }],
      });
      expect(index.asked.filter((path) => path.includes('evil') || path.includes('3.0'))).toEqual(
        [],
      );
      expect(await run(id, 'ls /workspace', 'shell')).toMatchObject({ stdout: '' });
    });

    test('an index on loopback that nobody trusts is not asked, and the session says so', async () => {
      const { host } = new URL(local.running.kube);
      const index_url = `http://${host}/simple/`;
      const id = await create([{ name: 'any' }], { python_package_index_url: index_url });
      expect(await settled(id)).toMatchObject({
        dependency_install_status: 'failed',
        dependency_install_error: expect.stringContaining(index_url),
      });
    });
  });
}
