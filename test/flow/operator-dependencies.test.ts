import { EXECUTIONS, isFinished } from '../../crds/execution.ts';
import { SANDBOXES } from '../../crds/sandbox.ts';
import type { Sandbox } from '../../crds/sandbox.ts';
import { PODS } from '../../kube/pod.ts';
import { anExecution } from '../builders/execution.ts';
import { aSandbox } from '../builders/sandbox.ts';
import { World } from './world.ts';
import type { RunningOperator } from './world.ts';

/** The packages of a sandbox, with the whole operator against an API server. */

const BOX = { namespace: 'default', name: 'box' };
const NUMPY = [{ name: 'numpy', version: '1.26.0' }];
let world: World;
let operator: RunningOperator;

beforeEach(async () => {
  world = await World.open();
  operator = await world.startOperator();
  await world.createTemplate();
});

afterEach(() => world.close());

function create(packages: readonly object[]): Promise<Sandbox> {
  return world.create(SANDBOXES, aSandbox({ spec: { dependencies: { packages } } }));
}

function isInstalling({ status }: Sandbox): boolean {
  return status?.dependencies?.state === 'Installing';
}

function isInstalled({ status }: Sandbox): boolean {
  return status?.dependencies?.state === 'Installed';
}

function hasFailed({ status }: Sandbox): boolean {
  return status?.dependencies?.state === 'Failed';
}

function want(packages: readonly object[]): Promise<Sandbox> {
  const body = { spec: { dependencies: { packages } } };
  return world.client.patch(SANDBOXES, BOX, { kind: 'merge', body });
}

async function installsBegun(count: number): Promise<void> {
  await world.executors.until(() => world.executors.installs.length >= count);
}

test('an execution waits for the packages of its sandbox, and runs once they are there', async () => {
  world.executors.installScript = () => 'hangs';
  await create(NUMPY);
  await world.create(EXECUTIONS, anExecution());
  await world.sandbox(isInstalling);
  expect(world.executors.starts).toEqual([]);
  world.executors.finishInstall({ installed: [{ name: 'numpy', version: '1.26.0' }] });
  expect((await world.execution(isFinished)).status).toMatchObject({ phase: 'Completed' });
  const { status } = await world.sandbox(isInstalled);
  expect(status).toMatchObject({ phase: 'Running', dependencies: { installed: NUMPY } });
});

test('a failure leaves the sandbox ready, and its executions run', async () => {
  const message = 'uv could not install numpy==1.26.0';
  world.executors.installScript = () => ({ phase: 'Failed', reason: 'InstallerFailed', message });
  await create(NUMPY);
  const { status } = await world.sandbox(hasFailed);
  expect(status).toMatchObject({
    phase: 'Running',
    dependencies: { reason: 'DependencyInstallFailed', message },
  });
  await world.create(EXECUTIONS, anExecution());
  expect((await world.execution(isFinished)).status).toMatchObject({ phase: 'Completed' });
});

test('an operator that takes over in the middle of an installation brings it to its end, and begins no other', async () => {
  world.executors.installScript = () => 'hangs';
  await create(NUMPY);
  const before = await world.sandbox(isInstalling);
  await installsBegun(1);
  await operator.stop();
  operator = await world.startOperator();
  world.executors.finishInstall();
  const { status } = await world.sandbox(isInstalled);
  expect(world.executors.installs).toHaveLength(1);
  expect(status?.dependencies?.startedAt).toBe(before.status?.dependencies?.startedAt);
});

test('a change of the wish replaces what was installed, also in the middle', async () => {
  world.executors.installScript = ({ requirements }) =>
    requirements.includes('numpy==1.26.0') ? 'hangs' : { installed: [] };
  await create(NUMPY);
  await world.sandbox(isInstalling);
  await installsBegun(1);
  await want([{ name: 'pandas' }]);
  await world.sandbox(isInstalled);
  expect(world.executors.installs.map(({ request }) => request.requirements)).toEqual([
    ['numpy==1.26.0'],
    ['pandas'],
  ]);
  await want([]);
  await installsBegun(3);
  expect(world.executors.installs[2]?.request.requirements).toEqual([]);
});

test('a pod that replaces another gets the packages too, before its executions', async () => {
  await create(NUMPY);
  await world.sandbox(isInstalled);
  world.executors.installScript = () => 'hangs';
  await world.client.delete(PODS, BOX);
  await installsBegun(2);
  await world.create(EXECUTIONS, anExecution());
  await world.sandbox(isInstalling);
  expect(world.executors.starts).toEqual([]);
  world.executors.finishInstall();
  expect((await world.execution(isFinished)).status).toMatchObject({ podName: 'box-1' });
});
