import { mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { FakeClock } from '../../test/fakes/clock.ts';
import { FakeLogger } from '../../test/fakes/logger.ts';
import { CallersFile } from './callers-file.ts';

let folder: string;
let clock: FakeClock;
let logger: FakeLogger;
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'callers-'));
  clock = new FakeClock();
  logger = new FakeLogger();
  mount('first', lineOf('one'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** As the kubelet does it: a file of its own, and a symlink that is moved over the one before. */
function mount(version: string, text: string): void {
  writeFileSync(path.join(folder, version), text);
  symlinkSync(version, path.join(folder, 'next'));
  renameSync(path.join(folder, 'next'), path.join(folder, 'callers'));
}

function lineOf(name: string): string {
  return JSON.stringify({ name, sha256: 'a'.repeat(64) });
}

function open(): CallersFile {
  return new CallersFile({
    path: path.join(folder, 'callers'),
    namespaces: ['default'],
    clock,
    logger,
  });
}

const namesIn = (file: CallersFile) => file.current().keys.map(({ principal }) => principal.name);

test('a Secret that is mounted anew counts a second later', () => {
  const file = open();
  mount('second', `${lineOf('two')}\n`);
  expect(namesIn(file)).toEqual(['one']);
  clock.advance(1_000);
  expect(namesIn(file)).toEqual(['two']);
  expect(logger.at('info')).toEqual(['callers were read again']);
});

test.each([
  ['cannot be used', 'second', 'no JSON'],
  ['is gone', 'callers', undefined],
])('a file that %s changes nothing, and says so', (_what, name, text) => {
  const file = open();
  if (text === undefined) rmSync(path.join(folder, name));
  else mount(name, text);
  clock.advance(1_000);
  expect(namesIn(file)).toEqual(['one']);
  expect(logger.at('error')).toEqual(['callers could not be read, those before stay']);
});

test('a process does not start with a file that cannot be used', () => {
  mount('second', 'no JSON');
  expect(open).toThrow('line 1');
});
