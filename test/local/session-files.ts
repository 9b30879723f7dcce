import { createHash, randomBytes } from 'node:crypto';
import { createHttpClient } from '../../kube/http-client.ts';
import { loadKubeConfig } from '../../kube/kube-config.ts';
import { PODS } from '../../kube/pod.ts';
import { LocalRun } from './local-run.ts';
import { eventually, RestSession } from './rest-session.ts';

const PATIENCE_MS = 300_000;

/** The files of sessions on real sandboxes: up, through runs, down, and back after their pod was lost. */
export function sessionFiles(runner: 'docker' | 'process'): void {
  describe(`the files of sessions on the ${runner} runner`, () => {
    let local: LocalRun;
    let session: RestSession;

    beforeAll(async () => {
      local = await LocalRun.create(runner);
      await local.up();
      session = await RestSession.create(local);
      await session.expectToWork();
    }, PATIENCE_MS);
    afterAll(() => local.remove(), PATIENCE_MS);

    const url = (path: string, of = session): string =>
      `${local.running.api}/api/v1/sessions/${of.id}/files${path}`;

    async function upload(path: string, content: string | Buffer<ArrayBuffer>): Promise<number> {
      const form = new FormData();
      form.set('file', new Blob([content]), 'file');
      const target = url(`/upload?path=${encodeURIComponent(path)}`);
      return (await fetch(target, { method: 'POST', body: form })).status;
    }

    test('go up, are seen by a run, which writes others, and come down', async () => {
      expect(await upload('input/people.csv', 'name\nAlice\n')).toBe(200);
      const run = await session.execute(
        'import os\nos.makedirs("output", exist_ok=True)\nopen("output/upper.txt", "w").write(open("input/people.csv").read().upper())',
      );
      const checksum = createHash('sha256').update('NAME\nALICE\n').digest('hex');
      expect(run).toMatchObject({
        status: 'completed',
        artifacts: [
          { path: 'output/upper.txt', size: 11, type: 'output', mime_type: 'text/plain', checksum },
        ],
      });
      expect(await (await fetch(url('/output/upper.txt'))).text()).toBe('NAME\nALICE\n');
    });

    test('are the same byte by byte, whatever their size, and larger ones are refused', async () => {
      const content = randomBytes(20_000_000);
      expect(await upload('big.bin', content)).toBe(200);
      const down = Buffer.from(await (await fetch(url('/big.bin'))).arrayBuffer());
      expect(down.equals(content)).toBe(true);
      expect(await upload('too-big.bin', Buffer.alloc(104_857_601))).toBe(413);
      expect((await fetch(url('/too-big.bin'))).status).toBe(404);
    });

    test('are there again when the pod was lost', async () => {
      await session.execute('open("kept.txt", "w").write("kept")');
      const client = createHttpClient(loadKubeConfig({ path: local.kubeconfig }));
      const pods = await client.list(PODS, { namespace: 'default' });
      const name = session.id.toLowerCase().replaceAll(/[^a-z0-9]+/g, '-');
      const pod = pods.items.find(({ metadata }) => metadata.name.startsWith(name));
      await client.delete(PODS, { namespace: 'default', name: pod?.metadata.name ?? '' });
      await client.close();
      const run = await session.execute('print(open("kept.txt").read())');
      expect(run).toMatchObject({ status: 'completed', stdout: 'kept\n' });
    });

    test('of a terminated session can be read and not changed, and are gone when it is deleted', async () => {
      const other = await RestSession.create(local);
      await other.execute('open("last.txt", "w").write("word")');
      await local.call('POST', `/sessions/${other.id}/terminate`);
      const text = await eventually(async () => {
        const answer = await fetch(url('/last.txt', other));
        return answer.status === 200 ? answer.text() : undefined;
      }, 'the stored file');
      expect(text).toBe('word');
      await local.call('DELETE', `/sessions/${other.id}`);
      expect((await fetch(url('/last.txt', other))).status).toBe(404);
    });
  });
}
