import type { StoredWorkspaces } from '../../storage/workspaces/stored-workspaces.ts';
import { FakeClock } from '../../test/fakes/clock.ts';
import { FakeFiles } from '../../test/fakes/files.ts';
import { FakeLogger } from '../../test/fakes/logger.ts';
import { temporaryFiles } from '../../test/fakes/temporary-files.ts';
import { Workspaces } from './workspaces.ts';
import type { WorkspaceOrder } from './workspaces.ts';

const ORDER: WorkspaceOrder = {
  sandboxUID: 'box-uid',
  key: 'default/box',
  target: { podUID: 'pod-uid', address: { kind: 'tcp', host: '10.0.0.1', port: 8080 } },
  limitBytes: 1_000,
};
let stored: StoredWorkspaces;
let removeFiles: () => void;
let files: FakeFiles;

beforeEach(() => {
  ({ stored, removeFiles } = temporaryFiles());
  files = new FakeFiles(() => Promise.resolve());
});
afterEach(() => {
  removeFiles();
});

function aWorkspaces(enqueue: () => void): Workspaces {
  const [clock, logger] = [new FakeClock(), new FakeLogger()];
  const executor = { files: () => files };
  return new Workspaces({ executor, stored, clock, logger, random: () => 0, enqueue });
}

async function turns(count: number): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await Promise.resolve();
}

test('a wish that comes just as the one before is done is carried out, in whatever turn it comes', async () => {
  for (let turn = 0; turn < 40; turn += 1) {
    const { promise: first, resolve: firstDone } = Promise.withResolvers<undefined>();
    const { promise: second, resolve: secondDone } = Promise.withResolvers<undefined>();
    const order = { ...ORDER, target: { ...ORDER.target, podUID: `pod-${String(turn)}` } };
    const workspaces = aWorkspaces(() => {
      const { end } = workspaces.view(order.target.podUID).stored;
      if (end === 'first') firstDone(undefined);
      if (end === 'second') secondDone(undefined);
    });
    workspaces.store(order, 'end', 'first');
    await first;
    await turns(turn);
    workspaces.store(order, 'end', 'second');
    await second;
    expect(workspaces.view(order.target.podUID).stored.end).toBe('second');
    workspaces.stop();
  }
});
