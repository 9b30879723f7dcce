import { z } from 'zod';
import {
  crdNames,
  EVALUATION_VALUES,
  eventually,
  helm,
  kubectl,
  provideVolume,
  removeVolumes,
  tryKubectl,
} from './cluster.ts';
import { connect } from './connect.ts';
import { leftoversIn } from './leftovers.ts';
import {
  applyRelease,
  inSandboxes,
  inSystem,
  installReleaseWith,
  removeRelease,
  run,
  SANDBOXES,
  sandboxStatus,
  startSandbox,
  SYSTEM,
  untilStatus,
  withRest,
} from './release.ts';

/** The chart's own S3 server and MariaDB, and what the control plane makes of them. */

// Sessions leave the API server as soon as they have ended and are written down.
const VALUES = [...EVALUATION_VALUES, 'history.endedSeconds=1'];

const CLAIMS = ['sandbox-storage', 'sandbox-mariadb'];

beforeAll(async () => {
  await removeRelease();
  for (const claim of CLAIMS) await provideVolume(SYSTEM, claim);
  await installReleaseWith(VALUES);
}, 240_000);
afterAll(async () => {
  await removeRelease();
  await removeVolumes(SYSTEM);
}, 180_000);

const session = z.object({ id: z.string(), status: z.string() });
const sessions = z.object({ items: z.array(session) });

/** What the list of sessions says of one. */
async function listed(id: string): Promise<string | undefined> {
  const { items } = await withRest(async (rest) =>
    sessions.parse(await rest('GET', '/sessions?limit=200')),
  );
  return items.find((item) => item.id === id)?.status;
}

/** Waits until the API server knows a sandbox no more. */
async function untilGone(name: string): Promise<void> {
  await eventually(async () => {
    const { stderr } = await tryKubectl(inSandboxes('get', 'sandbox', name));
    expect(stderr).toContain('NotFound');
  }, 60_000);
}

const passwordOfDatabase = (): Promise<string> =>
  kubectl(inSystem('get', 'secret', 'sandbox-mariadb', '-o', 'jsonpath={.data.password}'));

describe('history', () => {
  test('shows a session and its run after both have left the API server', async () => {
    const ended = z.object({ id: z.string() });
    const execution = await withRest(async (rest) => {
      await rest('POST', '/sessions', { id: 'past', template_id: 'small' });
      const code = { language: 'python', code: 'def handler(event):\n    return "past"' };
      const ran = await rest('POST', '/executions/sessions/past/execute-sync', code);
      await rest('POST', '/sessions/past/terminate');
      return ended.parse(ran).id;
    });
    await untilGone('past');
    expect(await listed('past')).toBe('terminated');
    await withRest(async (rest) => {
      const result = await rest('GET', `/executions/${execution}/result`);
      expect(result).toMatchObject({ status: 'completed', return_value: 'past' });
    });
  });

  test('stays over an upgrade and a restart of its database, and so does the password', async () => {
    const before = await passwordOfDatabase();
    await applyRelease('upgrade', [
      ...VALUES,
      'history.evaluationServer.resources.limits.memory=640Mi',
    ]);
    expect(await passwordOfDatabase()).toBe(before);
    expect(await listed('past')).toBe('terminated');
  });

  test('goes where its session is deleted', async () => {
    await withRest((rest) => rest('DELETE', '/sessions/past'));
    expect(await listed('past')).toBeUndefined();
  });

  test('stops nothing while its database is gone, and misses nothing afterwards', async () => {
    const scale = (replicas: number): Promise<string> =>
      kubectl(inSystem('scale', 'deployment/sandbox-mariadb', `--replicas=${String(replicas)}`));
    await scale(0);
    await startSandbox('unwritten');
    expect(await run('unwritten', 'unwritten', 'def handler(event):\n    return 1')).toMatchObject({
      returnValue: 1,
    });
    await withRest((rest) => rest('POST', '/sessions/unwritten/terminate'));
    await untilStatus('unwritten', { phase: 'Terminated' });
    await scale(1);
    await kubectl(inSystem('rollout', 'status', 'deployment/sandbox-mariadb', '--timeout=90s'));
    await untilGone('unwritten');
    expect(await listed('unwritten')).toBe('terminated');
  }, 180_000);
});

describe('files', () => {
  const READ = 'def handler(event):\n    return open("/workspace/deep/note.txt").read()';

  test('of a session are there again when its pod was deleted by hand', async () => {
    await startSandbox('kept');
    const write = [
      'import os',
      'def handler(event):',
      '    os.makedirs("/workspace/deep")',
      '    open("/workspace/deep/note.txt", "w").write("kept")',
    ].join('\n');
    expect(await run('kept', 'write', write)).toMatchObject({ phase: 'Completed' });
    const { podName = '', podUID } = await sandboxStatus('kept');
    await kubectl(inSandboxes('delete', 'pod', podName));
    const after = await untilStatus('kept', { phase: 'Running', restarts: 1 });
    expect(after.podUID).not.toBe(podUID);
    expect(await run('kept', 'read', READ)).toMatchObject({ returnValue: 'kept' });
  });

  test('of a session that was suspended are there again when it is resumed, by a wish or by a run', async () => {
    const desire = (desiredState: string): Promise<string> => {
      const patch = ['--type=merge', '-p', JSON.stringify({ spec: { desiredState } })];
      return kubectl(inSandboxes('patch', 'sandbox', 'kept', ...patch));
    };
    const suspend = async (): Promise<void> => {
      await desire('Suspended');
      await untilStatus('kept', { phase: 'Suspended', reason: 'SuspendedByUser' });
      const pods = inSandboxes('get', 'pods', '--selector=sandbox.ai/sandbox=kept', '-o', 'name');
      await eventually(async () => {
        expect(await kubectl(pods)).toBe('');
      });
    };
    await suspend();
    await desire('Running');
    await untilStatus('kept', { phase: 'Running', restarts: 1 });
    expect(await run('kept', 'resumed', READ)).toMatchObject({ returnValue: 'kept' });
    await suspend();
    expect(await run('kept', 'woken', READ)).toMatchObject({ returnValue: 'kept' });
    const wish = inSandboxes('get', 'sandbox', 'kept', '-o', 'jsonpath={.spec.desiredState}');
    expect(await kubectl(wish)).toBe('Running');
  }, 120_000);

  test('of a session can be read after its end', async () => {
    await withRest((rest) => rest('POST', '/sessions/kept/terminate'));
    await untilGone('kept');
    const list = z.object({ files: z.array(z.object({ name: z.string() })) });
    await withRest(async (rest) => {
      const { files } = list.parse(await rest('GET', '/sessions/kept/files'));
      expect(files.map(({ name }) => name)).toEqual(['deep/note.txt']);
    });
  });
});

describe('the servers', () => {
  test.each([
    ['mariadb', 3306],
    ['storage', 7070],
  ])('cannot be reached from a sandbox: %s', async (server, port) => {
    const name = `to-${server}`;
    const address = ['service', `sandbox-${server}`, '-o', 'jsonpath={.spec.clusterIP}'];
    await startSandbox(name);
    const code = connect(await kubectl(inSystem('get', ...address)), port);
    expect(await run(name, name, code)).toMatchObject({ returnValue: 'closed' });
  });

  test('go with the release, and their volumes with them', async () => {
    await helm(['uninstall', 'sandbox', '--namespace', SYSTEM, '--wait']);
    await eventually(async () => {
      expect((await tryKubectl(['get', 'namespace', SANDBOXES])).exitCode).not.toBe(0);
      const crds = (await crdNames()).map((name) => `crd ${name}`).sort();
      expect(await leftoversIn(SYSTEM)).toEqual(crds);
    }, 90_000);
  }, 180_000);
});
