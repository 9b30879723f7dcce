import { z } from 'zod';
import { DIFFERENCES, ELSEWHERE } from './elsewhere.ts';

/** The part of `jest --json` that is reported. */
const results = z.object({
  testResults: z.array(
    z.object({
      assertionResults: z.array(
        z.object({
          title: z.string(),
          status: z.string(),
          failureMessages: z.array(z.string()).default([]),
        }),
      ),
    }),
  ),
});

interface Row {
  readonly number: number;
  readonly result: string;
  readonly what: string;
  readonly note: string;
}

export interface Report {
  readonly markdown: string;
  readonly passed: number;
  readonly failed: readonly number[];
}

/** The table of all cases by number, from what jest reports. Pure. */
export function reportOf(json: string, heading: string): Report {
  const tests = results
    .parse(JSON.parse(json))
    .testResults.flatMap((file) => file.assertionResults);
  const rows = [...tried(tests), ...elsewhere()].sort((a, b) => a.number - b.number);
  const passed = rows.filter(({ result }) => result === 'passed').length;
  const failed = rows.filter(({ result }) => result === 'FAILED').map(({ number }) => number);
  const total = `${String(passed)} of ${String(rows.length)} cases passed here, ${String(ELSEWHERE.length)} are held elsewhere, ${String(failed.length)} failed.`;
  const lines = rows.map(
    ({ number, result, what, note }) => `| ${[number, result, what, note].map(cell).join(' | ')} |`,
  );
  const table = ['| case | result | what | note |', '| --- | --- | --- | --- |', ...lines];
  return { markdown: [`# ${heading}`, '', total, '', ...table, ''].join('\n'), passed, failed };
}

type Tested = z.output<typeof results>['testResults'][number]['assertionResults'][number];

function tried(tests: readonly Tested[]): Row[] {
  const byNumber = new Map<number, Tested[]>();
  for (const test of tests) {
    for (const number of numbersIn(test.title))
      byNumber.set(number, [...(byNumber.get(number) ?? []), test]);
  }
  return [...byNumber].map(([number, ofCase]) => {
    const bad = ofCase.filter(({ status }) => status === 'failed');
    const skipped = ofCase.some(({ status }) => status === 'pending') ? 'skipped' : 'passed';
    const reasons = bad.map(({ failureMessages }) => failureMessages[0]?.split('\n', 1)[0] ?? '');
    return {
      number,
      result: bad.length > 0 ? 'FAILED' : skipped,
      what: (bad[0] ?? ofCase[0])?.title.replace(/^(\d+\. )+/, '') ?? '',
      note: [DIFFERENCES.get(number), ...reasons].filter(Boolean).join('; '),
    };
  });
}

function elsewhere(): Row[] {
  return ELSEWHERE.map(({ number, file, title, why }) => ({
    number,
    result: 'elsewhere',
    what: `${file}: ${title}`,
    note: why,
  }));
}

/** `108. 109. what` is about two cases. */
export function numbersIn(title: string): number[] {
  const prefix = /^(\d+\. )+/.exec(title)?.[0] ?? '';
  return [...prefix.matchAll(/\d+/g)].map(([digits]) => Number(digits));
}

function cell(value: string | number): string {
  return String(value).replaceAll('|', '\\|').replaceAll(/\s+/g, ' ').slice(0, 200);
}
