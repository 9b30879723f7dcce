import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { ELSEWHERE } from './elsewhere.ts';
import { numbersIn, reportOf } from './report.ts';

const ALL = Array.from({ length: 178 }, (_, index) => index + 1);

/** The numbers in the titles of the cases, as they stand in the files. */
function triedHere(): Set<number> {
  const folder = path.join(import.meta.dirname, 'cases');
  const texts = readdirSync(folder).map((file) => readFileSync(path.join(folder, file), 'utf8'));
  const titles = texts.flatMap((text) => [...text.matchAll(/['"`]((?:\d+\. )+)/g)]);
  return new Set(titles.flatMap(([, numbers = '']) => numbersIn(numbers)));
}

test('every case of the specification is tried here or held by a test elsewhere', () => {
  const known = new Set([...triedHere(), ...ELSEWHERE.map(({ number }) => number)]);
  expect(ALL.filter((number) => !known.has(number))).toEqual([]);
});

test.each(ELSEWHERE.map((held) => [held.number, held] as const))(
  'the test that holds case %d is there',
  (_number, { file, title }) => {
    expect(readFileSync(file, 'utf8')).toContain(title);
  },
);

test('a report has a row for each case, which fails if one of its tests does', () => {
  const test = (title: string, status: string, ...failureMessages: string[]): object => ({
    title,
    status,
    failureMessages,
  });
  const assertionResults = [
    test('108. 109. both', 'passed'),
    test('24. a', 'passed'),
    test('24. b', 'failed', 'Error: no | yes\n    at line 1'),
  ];
  const json = JSON.stringify({ testResults: [{ assertionResults }] });
  const { markdown, failed, passed } = reportOf(json, 'Docker');
  expect([passed, failed]).toEqual([2, [24]]);
  expect(markdown).toContain('| 24 | FAILED | b | Error: no \\| yes |');
  expect(markdown).toContain('| 109 | passed | both |  |');
});
