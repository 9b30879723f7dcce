import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createSqliteStore } from './store.ts';

let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'store-'));
  file = path.join(folder, 'state.db');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

const pod = (name: string): { storage: string; namespace: string; name: string; text: string } => ({
  storage: 'pods',
  namespace: 'default',
  name,
  text: `{"name":"${name}"}`,
});

test('a store that is opened again has what was put and not what was removed', () => {
  const store = createSqliteStore(file);
  expect(store.load()).toEqual({ revision: 0, records: [] });
  store.put(pod('a'), 1);
  store.put(pod('b'), 2);
  store.put({ ...pod('a'), text: '{}' }, 3);
  store.remove(pod('b'), 4);
  store.close();
  const again = createSqliteStore(file);
  expect(again.load()).toEqual({ revision: 4, records: [{ ...pod('a'), text: '{}' }] });
  again.close();
});

test('what was written before the process is killed is there afterwards', () => {
  const script = `
    import { createSqliteStore } from ${JSON.stringify(path.join(import.meta.dirname, 'store.ts'))};
    const store = createSqliteStore(${JSON.stringify(file)});
    for (let i = 1; i <= 100; i += 1) store.put({ storage: 'pods', namespace: '', name: 'p' + i, text: '{}' }, i);
    process.kill(process.pid, 'SIGKILL');
  `;
  const { signal } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    env: {},
  });
  expect(signal).toBe('SIGKILL');
  const store = createSqliteStore(file);
  expect(store.load().revision).toBe(100);
  expect(store.load().records).toHaveLength(100);
  store.close();
});
