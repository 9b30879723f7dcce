import { LocalRun } from './local-run.ts';
import { eventually, RestSession } from './rest-session.ts';

const PATIENCE_MS = 300_000;

/** A session on a real sandbox that gives it back and gets another. */
export function suspension(runner: 'docker' | 'process'): void {
  describe(`a suspended session on the ${runner} runner`, () => {
    let local: LocalRun;
    let session: RestSession;

    beforeAll(async () => {
      local = await LocalRun.create(runner);
      await local.up();
      session = await RestSession.create(local);
      await session.expectToWork();
    }, PATIENCE_MS);
    afterAll(() => local.remove(), PATIENCE_MS);

    async function becomes(status: string): Promise<void> {
      await eventually(async () => {
        const { body } = await local.call('GET', `/sessions/${session.id}`);
        return body['status'] === status ? body : undefined;
      }, `the session ${status}`);
    }

    async function suspend(): Promise<void> {
      await local.call('POST', `/sessions/${session.id}/suspend`);
      await becomes('suspended');
      await eventually(async () => {
        const { body } = await local.call('GET', '/containers');
        return JSON.stringify(body).includes(session.id) ? undefined : body;
      }, 'the end of its container');
    }

    test('has no container, and a run brings it back with its files as they were', async () => {
      await session.execute(
        'import os\nos.makedirs("d")\nopen("d/a.sh", "w").write("echo from a")\nos.chmod("d/a.sh", 0o755)\nopen("gone.txt", "w")',
      );
      await suspend();
      const run = await session.execute(
        'import subprocess\nsubprocess.run(["d/a.sh"], shell=True)',
      );
      expect(run).toMatchObject({ status: 'completed', stdout: 'from a\n' });
    });

    test('does not find what it removed since in a later sandbox', async () => {
      await session.execute(
        'import os\nos.remove("gone.txt")\nopen("d/a.sh", "a").write(" again")',
      );
      await suspend();
      await local.call('POST', `/sessions/${session.id}/resume`);
      await becomes('running');
      const run = await session.execute(
        'import os\nprint(os.path.exists("gone.txt"), open("d/a.sh").read())',
      );
      expect(run.stdout).toBe('False echo from a again\n');
    });

    test('goes on after a control plane that stopped meanwhile', async () => {
      await suspend();
      await local.down();
      await local.up();
      const run = await session.execute('print(open("d/a.sh").read())');
      expect(run.stdout).toBe('echo from a again\n');
    });
  });
}
