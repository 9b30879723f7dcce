import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { startEnvironment, type Environment } from './environment.ts';
import { widgetsIn } from './widget-crd.ts';

/** Its path, or what the machine has; `make test` says so where there is none, and does not come here. */
const KUBECTL = process.env['KUBECTL'] ?? 'kubectl';

const MANIFEST = `
apiVersion: contract.sandbox.test/v1
kind: Widget
metadata: {name: shown, labels: {a: b}}
spec: {size: 3, env: [{name: ONE, value: "1"}]}
`;

const BUILT_IN = `
apiVersion: v1
kind: Secret
metadata: {name: hidden}
data: {a: Yg==}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data: {a: b}
---
apiVersion: v1
kind: Pod
metadata: {name: runner}
spec:
  automountServiceAccountToken: false
  containers: [{name: main, image: "registry.test/image:1", env: [{name: A, value: b}]}]
`;

describe('plain kubectl', () => {
  let env: Environment;
  let folder: string;

  beforeAll(async () => {
    env = await startEnvironment();
    folder = mkdtempSync(path.join(tmpdir(), 'kubectl-'));
    writeFileSync(path.join(folder, 'kubeconfig'), env.kubeconfig);
    writeFileSync(path.join(folder, 'widget.yaml'), MANIFEST);
  });
  afterAll(async () => {
    rmSync(folder, { recursive: true });
    await env.close();
  });

  const command = (args: readonly string[]): readonly string[] => [
    '--kubeconfig',
    path.join(folder, 'kubeconfig'),
    '--cache-dir',
    path.join(folder, 'cache'),
    '-n',
    env.namespace,
    ...args,
  ];
  const kubectl = async (...args: readonly string[]): Promise<string> => {
    const { stdout } = await promisify(execFile)(KUBECTL, [...command(args)]);
    return stdout.trim();
  };
  const manifest = (): string => path.join(folder, 'widget.yaml');

  test('applies a manifest, and again', async () => {
    expect(await kubectl('apply', '-f', manifest())).toBe(
      'widget.contract.sandbox.test/shown created',
    );
    expect(await kubectl('apply', '-f', manifest())).toBe(
      'widget.contract.sandbox.test/shown unchanged',
    );
    writeFileSync(manifest(), MANIFEST.replace('size: 3', 'size: 4'));
    expect(await kubectl('apply', '-f', manifest())).toBe(
      'widget.contract.sandbox.test/shown configured',
    );
    expect(await kubectl('apply', '--server-side', '--force-conflicts', '-f', manifest())).toBe(
      'widget.contract.sandbox.test/shown serverside-applied',
    );
  });

  test('shows an object as a table, as YAML and in words', async () => {
    expect(await kubectl('get', 'wdg')).toMatch(/^NAME +SIZE +READY +AGE\nshown +4 +\d+s$/);
    expect(await kubectl('get', 'wdg', '-o', 'wide')).toMatch(
      /^NAME +SIZE +READY +COLOR +AGE\nshown +4 +red +\d+s$/,
    );
    expect(await kubectl('get', 'widget', 'shown', '-o', 'yaml')).toContain(
      'spec:\n  color: red\n  env:\n  - name: ONE',
    );
    expect(await kubectl('describe', 'widget', 'shown')).toMatch(
      /^Name: +shown\n(.|\n)*Events: +<none>$/,
    );
    expect(await kubectl('get', 'widgets', '-A', '-l', 'a=b', '-o', 'name')).toContain(
      'widget.contract.sandbox.test/shown',
    );
  });

  test('explains the fields and lists the kinds', async () => {
    expect(await kubectl('explain', 'widgets')).toContain('A thing to test with.');
    expect(await kubectl('explain', 'widgets.spec.size')).toMatch(/FIELD: size <integer>/);
    expect(await kubectl('api-resources', '--api-group=contract.sandbox.test')).toMatch(
      /widgets +wdg +contract.sandbox.test\/v1 +true +Widget/,
    );
  });

  test('refuses an unknown field before anything is written', async () => {
    writeFileSync(
      path.join(folder, 'odd.yaml'),
      MANIFEST.replace('shown', 'odd').replace('size: 3', 'size: 3, sise: 4'),
    );
    await expect(kubectl('apply', '-f', path.join(folder, 'odd.yaml'))).rejects.toThrow(
      'unknown field "spec.sise"',
    );
    await expect(kubectl('get', 'widget', 'odd')).rejects.toThrow(
      'widgets.contract.sandbox.test "odd" not found',
    );
  });

  test('patches, labels, annotates and replaces', async () => {
    expect(
      await kubectl('patch', 'widget', 'shown', '--type=merge', '-p', '{"spec":{"size":5}}'),
    ).toContain('patched');
    expect(await kubectl('apply', '--dry-run=server', '-f', manifest())).toContain(
      '(server dry run)',
    );
    expect(await kubectl('label', 'widget', 'shown', 'c=d')).toContain('labeled');
    expect(await kubectl('annotate', 'widget', 'shown', 'e=f')).toContain('annotated');
    writeFileSync(
      path.join(folder, 'got.json'),
      (await kubectl('get', 'widget', 'shown', '-o', 'json')).replace('"size": 5', '"size": 6'),
    );
    expect(await kubectl('replace', '-f', path.join(folder, 'got.json'))).toContain('replaced');
    expect(
      await kubectl('get', 'widget', 'shown', '-o', 'jsonpath={.spec.size}{.metadata.labels.c}'),
    ).toBe('6d');
  });

  test('waits for a condition and watches', async () => {
    const wait = kubectl('wait', '--for=condition=Ready', 'widget/shown', '--timeout=20s');
    const watching = spawn(KUBECTL, [...command(['get', 'widgets', '-w', '-o', 'name'])]);
    const seen = new Promise<string>((resolve) => {
      watching.stdout.once('data', (line: Buffer) => {
        resolve(String(line).trim());
      });
    });
    const conditions = [{ type: 'Ready', status: 'True' }];
    await env.api.merge(`${widgetsIn(env.namespace)}/shown/status`, { status: { conditions } });
    expect(await wait).toBe('widget.contract.sandbox.test/shown condition met');
    expect(await seen).toBe('widget.contract.sandbox.test/shown');
    watching.kill();
  });

  test('deletes and waits until it is gone', async () => {
    expect(await kubectl('delete', 'widget', 'shown', '--wait')).toContain('"shown" deleted');
    expect(await kubectl('get', 'widgets', '-o', 'name')).toBe('');
  });

  test('works with the built-in kinds', async () => {
    writeFileSync(path.join(folder, 'builtin.yaml'), BUILT_IN);
    expect(await kubectl('apply', '-f', path.join(folder, 'builtin.yaml'))).toBe(
      'secret/hidden created\nconfigmap/settings created\npod/runner created',
    );
    writeFileSync(path.join(folder, 'builtin.yaml'), BUILT_IN.replaceAll('image:1', 'image:2'));
    expect(await kubectl('apply', '-f', path.join(folder, 'builtin.yaml'))).toBe(
      'secret/hidden unchanged\nconfigmap/settings unchanged\npod/runner configured',
    );
    expect(await kubectl('label', 'configmap', 'settings', 'a=b')).toBe(
      'configmap/settings labeled',
    );
    expect(await kubectl('get', 'pods')).toMatch(
      /NAME +READY +STATUS +RESTARTS +AGE\nrunner +0\/1 +Pending +0 +\d+s/,
    );
    expect(await kubectl('describe', 'pod', 'runner')).toMatch(/Status: +Pending/);
    expect(await kubectl('delete', 'pod', 'runner')).toContain('"runner" deleted');
    expect(await kubectl('get', 'events,leases,secrets')).toContain('secret/hidden');
    expect(await kubectl('get', 'crd', 'widgets.contract.sandbox.test', '-o', 'name')).toContain(
      'widgets.contract.sandbox.test',
    );
  });
});
