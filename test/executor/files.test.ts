import { createHash, randomBytes } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { buffer, text } from 'node:stream/consumers';
import type { ExecutorFiles } from '../../executor/client.ts';
import { type TestSandbox, startSandbox } from './sandbox.ts';

let sandbox: TestSandbox;
let files: ExecutorFiles;
beforeEach(async () => {
  sandbox = await startSandbox();
  files = sandbox.client.files(sandbox.target);
});
afterEach(() => sandbox.close());

const shell = (code: string) => sandbox.run({ language: 'shell', code });
const failed = (code: string): unknown => expect.objectContaining({ name: 'ExecutorError', code });
const sha256 = (content: string): string => createHash('sha256').update(content).digest('hex');

describe('what a run changed', () => {
  it('is told with size and checksum, folders deep, by path', async () => {
    const { artifacts, workspaceChanged } = await shell(
      'mkdir -p output/a; printf one > output/a/1.txt; printf two > b.log',
    );
    expect(artifacts).toEqual([
      { path: 'b.log', size: 3, sha256: sha256('two') },
      { path: 'output/a/1.txt', size: 3, sha256: sha256('one') },
    ]);
    expect(workspaceChanged).toBe(true);
  });

  it('is nothing where nothing was, and what earlier runs and uploads left is not told again', async () => {
    await shell('printf one > old.txt');
    await files.write('uploaded.txt', Readable.from(['up']), { size: 2 });
    expect(await shell('cat old.txt uploaded.txt')).toMatchObject({
      stdout: { text: 'oneup' },
      artifacts: [],
      artifactsTruncated: false,
      workspaceChanged: false,
    });
  });

  it.each([
    ['written in place with its old times and size', 'printf TWO > f; touch -d @1000000000 f'],
    ['replaced', 'printf TWO > g; mv g f'],
    ['made executable', 'chmod +x f'],
  ])('a file that was %s is told', async (_what, code) => {
    await shell('printf one > f; touch -d @1000000000 f');
    const { artifacts } = await shell(code);
    expect(artifacts?.map(({ path: name }) => name)).toEqual(['f']);
  });

  it('hidden and removed files count without being told', async () => {
    expect(await shell('mkdir .git; echo x > .git/config; echo x > .env')).toMatchObject({
      artifacts: [],
      workspaceChanged: true,
    });
    expect(await shell('rm .env')).toMatchObject({ artifacts: [], workspaceChanged: true });
  });

  it('no link and no pipe is told, and none leads out or hangs', async () => {
    const { artifacts } = await shell(
      'ln -s /etc/passwd link; ln -s /etc folder; mkfifo pipe; ln -s . loop; echo x > real',
    );
    expect(artifacts).toEqual([{ path: 'real', size: 2, sha256: sha256('x\n') }]);
  });

  it('is told as far as a status can hold it', async () => {
    const { artifacts, artifactsTruncated } = await shell('for i in $(seq 300); do : > f$i; done');
    expect(artifacts).toHaveLength(200);
    expect(artifactsTruncated).toBe(true);
  });

  it('is told also of a run that was stopped', async () => {
    const stopped = await sandbox.run({
      language: 'shell',
      code: 'echo part > part.txt; sleep 60',
      timeoutMs: 500,
    });
    expect(stopped).toMatchObject({
      reason: 'Timeout',
      artifacts: [{ path: 'part.txt', size: 5 }],
    });
  });
});

describe('the files of a workspace', () => {
  it('are listed with versions that change when the files do', async () => {
    await shell('mkdir d; echo one > d/f; echo x > .hidden; echo "#!" > run; chmod +x run');
    const before = await files.listing();
    expect(before.truncated).toBe(false);
    const byPath = new Map(before.files.map((file) => [file.path, file]));
    expect([...byPath.keys()].sort()).toEqual(['.hidden', 'd/f', 'run']);
    expect(byPath.get('run')).toMatchObject({ size: 3, executable: true });
    expect(byPath.get('d/f')).toMatchObject({ size: 4, executable: false });
    await shell('echo two > d/f');
    const after = new Map((await files.listing()).files.map((file) => [file.path, file]));
    expect(after.get('d/f')?.version).not.toBe(byPath.get('d/f')?.version);
    expect(after.get('run')).toEqual(byPath.get('run'));
  });

  it('come back byte by byte, whole and in part, under any name', async () => {
    const content = randomBytes(3_000_000);
    const name = 'a b/ü%2e+?#\n.bin';
    await files.write(name, Readable.from([content]), { executable: true });
    const whole = await files.read(name);
    expect((await buffer(whole.content)).equals(content)).toBe(true);
    const part = await files.read(name, { range: { start: 10, end: 1_999_999 } });
    expect((await buffer(part.content)).equals(content.subarray(10, 2_000_000))).toBe(true);
    expect(part.head).toEqual(whole.head);
    expect(await files.head(name)).toEqual(whole.head);
    expect((await stat(path.join(sandbox.workspace, name))).mode & 0o777).toBe(0o755);
  });

  it('may be empty, and of a length that nobody knows', async () => {
    await files.write('empty', Readable.from([]), { size: 0 });
    expect(await text((await files.read('empty')).content)).toBe('');
    await files.write('stream', Readable.from(['one', 'two']));
    expect(await readFile(path.join(sandbox.workspace, 'stream'), 'utf8')).toBe('onetwo');
  });

  it('are as they were when an upload breaks off, and its own failure is told', async () => {
    await files.write('kept', Readable.from(['kept']), { size: 4 });
    const failure = new Error('the source broke');
    const broken = Readable.from(
      (function* () {
        yield Buffer.from('ke');
        throw failure;
      })(),
    );
    await expect(files.write('kept', broken, { size: 4 })).rejects.toBe(failure);
    expect(await text((await files.read('kept')).content)).toBe('kept');
    expect((await files.listing()).files.map((file) => file.path)).toEqual(['kept']);
  });

  it('that are not there are not found', async () => {
    expect(await files.head('missing')).toBeUndefined();
    await expect(files.read('missing')).rejects.toEqual(failed('NotFound'));
    await expect(files.remove('missing')).rejects.toEqual(failed('NotFound'));
  });

  it.each(['', '/etc/passwd', '../x', 'a/../../x', 'a//b', 'nul\0'])(
    'never lie at %j',
    async (name) => {
      await expect(files.read(name)).rejects.toEqual(failed('Refused'));
      await expect(files.write(name, Readable.from(['x']))).rejects.toEqual(failed('Refused'));
      await expect(files.remove(name)).rejects.toEqual(failed('Refused'));
    },
  );

  it('cannot be written where a folder is, and links lead nowhere', async () => {
    await shell('mkdir folder; ln -s /etc out');
    await expect(files.write('folder', Readable.from(['x']))).rejects.toEqual(failed('Conflict'));
    await expect(files.read('out/passwd')).rejects.toEqual(failed('Refused'));
    await expect(files.write('out/x', Readable.from(['x']))).rejects.toEqual(failed('Refused'));
  });

  it('are stored and restored without counting as use', async () => {
    const before = await sandbox.client.activity(sandbox.target);
    await files.write('quiet', Readable.from(['x']), { quiet: true });
    await text((await files.read('quiet', { quiet: true })).content);
    await files.listing({ quiet: true });
    expect(await sandbox.client.activity(sandbox.target)).toEqual(before);
  });
});
