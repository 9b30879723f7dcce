import { exitReason, plainLog } from './container-exit.ts';

test.each([
  [0, false, 'Completed'],
  [0, true, 'Completed'],
  [1, false, 'Error'],
  [1, true, 'Error'],
  [137, false, 'Error'],
  [137, true, 'OOMKilled'],
])('exit code %d, memory killed: %s, is %s', (exitCode, oomKilled, reason) => {
  expect(exitReason(exitCode, oomKilled)).toBe(reason);
});

function piece(text: string): Buffer {
  const header = Buffer.from([1, 0, 0, 0, 0, 0, 0, 0]);
  header.writeUInt32BE(Buffer.byteLength(text), 4);
  return Buffer.concat([header, Buffer.from(text)]);
}

test('a log is read without the headers of its pieces', () => {
  expect(plainLog(Buffer.concat([piece('one\n'), piece('zwö\n')]))).toBe('one\nzwö');
});

test('a log that is cut off is read as far as it goes', () => {
  expect(plainLog(Buffer.concat([piece('one\n'), piece('two').subarray(0, 9)]))).toBe('one\nt');
  expect(plainLog(Buffer.alloc(0))).toBe('');
});
