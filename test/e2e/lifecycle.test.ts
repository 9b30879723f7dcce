import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { eventually, kubectl, tryKubectl } from './cluster.ts';
import {
  createSandbox,
  createTemplate,
  inSandboxes,
  installRelease,
  object,
  removeRelease,
  run,
  sandboxStatus,
  startSandbox,
  submit,
  outcomeOf,
  untilReady,
  untilStatus,
  withRest,
} from './release.ts';
import { sandboxPod } from './sandbox-pod.ts';

beforeAll(installRelease, 180_000);
afterAll(removeRelease, 180_000);

const RETURN_42 = 'def handler(event):\n    return 42';

/** Fails as long as kubectl finds one. */
async function untilGone(...what: string[]): Promise<void> {
  await eventually(async () => {
    expect(await kubectl(inSandboxes('get', ...what, '-o', 'name'))).toBe('');
  });
}

describe('through kubectl', () => {
  test('template, sandbox and execution, applied at once, end in a result', async () => {
    const items = [
      object('Execution', 'hello', {
        sandboxRef: { name: 'hello' },
        language: 'python',
        event: { name: 'world' },
        code: 'def handler(event):\n    print("printed")\n    return f"hello {event[\'name\']}"',
      }),
      object('Sandbox', 'hello', { templateRef: { name: 'small' } }),
    ];
    await kubectl(['apply', '-f', '-'], { apiVersion: 'v1', kind: 'List', items });
    const completed = '--for=jsonpath={.status.phase}=Completed';
    await kubectl(inSandboxes('wait', completed, 'execution/hello', '--timeout=60s'));

    const path = 'jsonpath={.status.returnValue}|{.status.exitCode}|{.status.stdout.text}';
    const result = await kubectl(inSandboxes('get', 'execution', 'hello', '-o', path));
    expect(result).toBe('hello world|0|printed\n');
  });

  test('columns tell how it stands', async () => {
    const cells = (table: string): string[][] => table.split('\n').map((row) => row.split(/ {2,}/));
    const [heads, row] = cells(await kubectl(inSandboxes('get', 'sandbox', 'hello')));
    expect(heads?.slice(0, 4)).toEqual(['NAME', 'PHASE', 'TEMPLATE', 'REASON']);
    expect(row?.slice(0, 4)).toEqual(['hello', 'Running', 'small', 'ExecutorAnswering']);

    const [titles, ran] = cells(await kubectl(inSandboxes('get', 'execution', 'hello')));
    expect(titles?.slice(0, 5)).toEqual(['NAME', 'PHASE', 'SANDBOX', 'EXIT', 'REASON']);
    expect(ran?.slice(0, 5)).toEqual(['hello', 'Completed', 'hello', '0', 'Completed']);
  });

  test('the log of its pod can be read', async () => {
    const { podName = '' } = await sandboxStatus('hello');
    expect((await tryKubectl(inSandboxes('logs', podName))).exitCode).toBe(0);
  });

  test('a template that is no use tells why, and so does its sandbox', async () => {
    await createSandbox('orphan', { templateRef: { name: 'nowhere' } });
    await untilStatus('orphan', { phase: 'Pending', reason: 'TemplateNotFound' });
  });

  test('deleting a sandbox takes its pod and executions with it', async () => {
    await kubectl(inSandboxes('delete', 'sandbox', 'hello', '--timeout=45s'));
    await untilGone('pods', '--selector', 'sandbox.ai/sandbox=hello');
    expect((await tryKubectl(inSandboxes('get', 'execution', 'hello'))).exitCode).not.toBe(0);
  });
});

describe('through REST', () => {
  const session = z.object({ id: z.string(), status: z.string() });

  test('a session runs code, lists, and ends', async () => {
    await withRest(async (rest) => {
      const { id } = session.parse(await rest('POST', '/sessions', { template_id: 'small' }));
      const path = `/executions/sessions/${id}/execute-sync`;
      const ran = await rest('POST', path, { language: 'python', code: RETURN_42 });
      expect(ran).toMatchObject({ status: 'completed', return_value: 42 });
      expect(await rest('GET', `/sessions/${id}`)).toMatchObject({ status: 'running' });

      await rest('DELETE', `/sessions/${id}`);
      await eventually(async () => {
        await expect(rest('GET', `/sessions/${id}`)).rejects.toThrow(': 404 ');
      });
    });
  });
});

describe('isolation', () => {
  const GVISOR = 'gvisor';

  test('a sandbox runs in gVisor where the cluster has it, and says so where not', async () => {
    const { exitCode } = await tryKubectl(['get', 'runtimeclass', GVISOR]);
    await createTemplate('guarded', { isolation: { runtimeClassName: GVISOR } });
    await createSandbox('guarded', { templateRef: { name: 'guarded' } });
    if (exitCode !== 0) {
      await untilStatus('guarded', { phase: 'Failed', reason: 'PodRejected' });
      return;
    }
    await untilReady('guarded');
    const kernel = 'def handler(event):\n    return open("/proc/version").read()';
    const ran = await run('guarded', 'kernel', kernel);
    expect(ran).toMatchObject({ phase: 'Completed', reason: 'Completed' });
    expect(ran.returnValue).toEqual(expect.any(String));
    expect(ran.returnValue).not.toBe(await readFile('/proc/version', 'utf8'));
  });

  test('a template that asks for privilege is refused with a reason', async () => {
    const spec = { image: 'any', securityContext: { privileged: true } };
    const asked = ['create', '--validate=strict', '-f', '-'];
    const refused = await tryKubectl(asked, object('SandboxTemplate', 'privileged', spec));
    expect(refused.exitCode).not.toBe(0);
    expect(refused.stderr).toContain('unknown field "spec.securityContext"');
  });

  test('a pod that asks for privilege is refused with a reason, whoever makes it', async () => {
    const refused = await tryKubectl(inSandboxes('create', '-f', '-'), {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'privileged' },
      spec: sandboxPod({}, { securityContext: { privileged: true } }),
    });
    expect(refused.stderr).toContain('violates PodSecurity "restricted:latest": privileged');
  });
});

describe('a warm pool', () => {
  const ready = (count: string): Promise<void> =>
    eventually(async () => {
      const path = 'jsonpath={.status.warmPool.ready}';
      const [template, output] = ['sandboxtemplate/pooled', '-o'];
      expect(await kubectl(inSandboxes('get', template, output, path))).toBe(count);
    }, 60_000);

  test('is filled, gives a sandbox its pod at once, and is scaled like anything else', async () => {
    await createTemplate('pooled', { warmPool: { size: 2 } });
    await ready('2');
    await startSandbox('warm', {
      templateRef: { name: 'pooled' },
      env: [{ name: 'WHO', value: 'me' }],
    });
    const warm = inSandboxes('get', 'sandbox', 'warm', '-o', 'jsonpath={.status.warmStart}');
    expect(await kubectl(warm)).toBe('true');
    const code = 'import os\ndef handler(event):\n    return os.environ["WHO"]';
    expect(await run('warm', 'who', code)).toMatchObject({ returnValue: 'me' });

    await ready('2');
    await kubectl(inSandboxes('scale', 'sandboxtemplate', 'pooled', '--replicas=1'));
    await ready('1');
    await kubectl(inSandboxes('delete', 'sandboxtemplate', 'pooled'));
    const { podName } = await sandboxStatus('warm');
    await eventually(async () => {
      const made = ['--selector', 'sandbox.ai/pool=pooled', '-o', 'name'];
      const pods = await kubectl(inSandboxes('get', 'pods', ...made));
      expect(pods.trim()).toBe(`pod/${podName ?? ''}`);
    }, 60_000);
    expect(await run('warm', 'still', code)).toMatchObject({ returnValue: 'me' });
  });
});

describe('a warm pool on nodes that resize pods', () => {
  const LIMITS = `
def handler(event):
    def read(*paths):
        for path in paths:
            try:
                return open("/sys/fs/cgroup/" + path).read().split()
            except OSError:
                pass
    quota = read("cpu.max", "cpu/cpu.cfs_quota_us")
    return {"memory": read("memory.max", "memory/memory.limit_in_bytes")[0], "cpu": quota[0]}
`;

  test('gives its pod to a sandbox that asks for more and one that asks for less, with those limits', async () => {
    await createTemplate('resized', { warmPool: { size: 2 } });
    const pool = ['sandboxtemplate/resized', '--for=jsonpath={.status.warmPool.ready}=2'];
    await kubectl(inSandboxes('wait', ...pool, '--timeout=60s'));
    const templateRef = { name: 'resized' };
    const wishes = {
      more: { cpu: '150m', memory: '256Mi' },
      less: { cpu: '40m', memory: '112Mi' },
    };
    for (const [name, resources] of Object.entries(wishes)) {
      await startSandbox(name, { templateRef, resources });
      const warm = inSandboxes('get', 'sandbox', name, '-o', 'jsonpath={.status.warmStart}');
      expect(await kubectl(warm)).toBe('true');
    }
    expect((await run('more', 'more-limits', LIMITS)).returnValue).toEqual({
      memory: String(256 * 2 ** 20),
      cpu: '15000',
    });
    expect((await run('less', 'less-limits', LIMITS)).returnValue).toEqual({
      memory: String(112 * 2 ** 20),
      cpu: '4000',
    });
    await kubectl(inSandboxes('delete', 'sandboxtemplate', 'resized'));
  });
});

describe('a further pod of a template', () => {
  const wished = async (sandbox: string): Promise<string> => {
    const { podName = '' } = await sandboxStatus(sandbox);
    const path = '{.spec.affinity..matchFields[*].values[*]}';
    return kubectl(inSandboxes('get', 'pod', podName, '-o', `jsonpath=${path}`));
  };

  test.each([
    ['is wished on the node that runs one', 'near', 10],
    ['is wished nowhere where that node has as many as it should', 'far', 1],
  ])('%s', async (_what, name, podsPerNode) => {
    await createTemplate(name, { scheduling: { podsPerNode } });
    const templateRef = { name };
    await startSandbox(`${name}-first`, { templateRef });
    await startSandbox(`${name}-second`, { templateRef });
    const node = inSandboxes(
      'get',
      'sandbox',
      `${name}-first`,
      '-o',
      'jsonpath={.status.nodeName}',
    );
    expect(await wished(`${name}-first`)).toBe('');
    expect(await wished(`${name}-second`)).toBe(podsPerNode === 1 ? '' : await kubectl(node));
  });
});

describe('an end', () => {
  test.each([
    ['idle', { idleSeconds: 2 }, 'IdleTimeout'],
    ['old', { lifetimeSeconds: 8 }, 'LifetimeExceeded'],
  ])('comes to what is %s', async (name, timeouts, reason) => {
    await createSandbox(name, { timeouts });
    await untilStatus(name, { phase: 'Terminated', reason });
    await untilGone('pods', '--selector', `sandbox.ai/sandbox=${name}`);
  });

  test('comes by spec.desiredState, cancels what runs, and is for ever', async () => {
    await startSandbox('ended');
    await submit('ended', 'cut-short', 'import time\ntime.sleep(60)');
    await eventually(async () => {
      const phase = inSandboxes('get', 'execution', 'cut-short', '-o', 'jsonpath={.status.phase}');
      expect(await kubectl(phase)).toBe('Running');
    });
    const patch = (state: string): string[] =>
      inSandboxes('patch', 'sandbox', 'ended', '--type=merge', '-p', desired(state));
    await kubectl(patch('Terminated'));
    await untilStatus('ended', { phase: 'Terminated', reason: 'TerminatedByUser' });
    expect(await outcomeOf('cut-short')).toMatchObject({ reason: 'Cancelled' });
    expect((await tryKubectl(patch('Running'))).stderr).toContain('does not start again');
  });

  test('does not come by a suspension, which this release has no object store for, and says so', async () => {
    await startSandbox('rested');
    const patch = (state: string): string[] =>
      inSandboxes('patch', 'sandbox', 'rested', '--type=merge', '-p', desired(state));
    await kubectl(patch('Suspended'));
    const why = 'jsonpath={.status.conditions[?(@.type=="Suspended")].reason}';
    await eventually(async () => {
      expect(await kubectl(inSandboxes('get', 'sandbox', 'rested', '-o', why))).toBe(
        'NoObjectStore',
      );
    });
    expect(await run('rested', 'serves-on', RETURN_42)).toMatchObject({ returnValue: 42 });
    await kubectl(patch('Running'));
  });

  function desired(desiredState: string): string {
    return JSON.stringify({ spec: { desiredState } });
  }
});

describe('a pod', () => {
  test('that was deleted by hand is replaced, and the sandbox works', async () => {
    await startSandbox('deleted');
    const { podName = '', podUID } = await sandboxStatus('deleted');
    await kubectl(inSandboxes('delete', 'pod', podName));
    const after = await untilStatus('deleted', { phase: 'Running', restarts: 1 });
    expect(after.podUID).not.toBe(podUID);
    expect(await run('deleted', 'after-delete', RETURN_42)).toMatchObject({ returnValue: 42 });
  });

  test('that its node evicted is replaced, and the sandbox works', async () => {
    await startSandbox('evicted');
    const { podName = '', podUID } = await sandboxStatus('evicted');
    const status = { phase: 'Failed', reason: 'Evicted', message: 'The node was low on memory.' };
    const patch = ['--subresource=status', '--type=merge', '-p', JSON.stringify({ status })];
    await kubectl(inSandboxes('patch', 'pod', podName, ...patch));
    const after = await untilStatus('evicted', { phase: 'Running', restarts: 1 });
    expect(after.podUID).not.toBe(podUID);
    expect(await kubectl(inSandboxes('events', '--for', 'sandbox/evicted'))).toContain('Evicted');
    expect(await run('evicted', 'after-eviction', RETURN_42)).toMatchObject({ returnValue: 42 });
  });

  test('whose memory is used up costs the run and no other', async () => {
    await startSandbox('greedy');
    const greed = 'def handler(event):\n    return len(bytearray(2**30))';
    expect(await run('greedy', 'greed', greed)).toMatchObject({ reason: 'OOMKilled' });
    await untilReady('greedy');
    expect(await run('greedy', 'after-greed', RETURN_42)).toMatchObject({ returnValue: 42 });
  });

  test.each([
    ['imageless', { image: 'no-such-image:1' }, 'ImagePullFailed'],
    ['homeless', { scheduling: { nodeSelector: { moon: 'base' } } }, 'Unschedulable'],
  ])('that cannot start says why: %s', async (name, template, reason) => {
    await createTemplate(name, template);
    await createSandbox(name, { templateRef: { name } });
    await untilStatus(name, { phase: 'Pending', reason });
  });
});
