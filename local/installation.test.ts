import { mkdtempSync, rmSync, statSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { openInstallation } from './installation.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'installation-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test('an installation keeps its id and its token when it is opened again', () => {
  const first = openInstallation(path.join(folder, 'state'));
  expect(openInstallation(path.join(folder, 'state'))).toEqual(first);
  expect(first.kubeToken).toMatch(/^[0-9a-f]{48}$/);
});

test('two installations have ids and tokens of their own', () => {
  const one = openInstallation(path.join(folder, 'one'));
  const two = openInstallation(path.join(folder, 'two'));
  expect([one.id, one.kubeToken]).not.toEqual([two.id, two.kubeToken]);
});

test('nobody but the owner can read an installation', () => {
  const { folder: made } = openInstallation(path.join(folder, 'state'));
  expect(statSync(made).mode & 0o077).toBe(0);
  expect(statSync(path.join(made, 'kube-token')).mode & 0o077).toBe(0);
});
