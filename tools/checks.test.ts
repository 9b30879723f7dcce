import { globSync, readFileSync } from 'node:fs';
import { z } from 'zod';
import {
  CLUSTER_PREPARATIONS,
  CLUSTER_SUITES,
  FAST_SUITES,
  PREPARATIONS,
  SLOW_SUITES,
  STATIC_CHECKS,
  type Suite,
} from './checks.ts';

const { scripts } = z
  .object({ scripts: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync('package.json', 'utf8')));

/** Suites run against something that is no part of the repository repeat cases of others. */
const suites = [
  ...[...FAST_SUITES, ...SLOW_SUITES].filter(({ within }) => within === undefined),
  ...CLUSTER_SUITES,
];
const files = globSync('test/{contract,e2e,executor,flow,fuzz,history,local,storage}/**/*.test.ts');

function runs(suite: Suite, file: string): boolean {
  return (
    file.startsWith(`test/${suite.project}/`) &&
    (suite.files === undefined || new RegExp(suite.files).test(file))
  );
}

describe('what CI runs', () => {
  it('finds test files', () => {
    expect(files.length).toBeGreaterThan(0);
  });

  test.each(files)('includes %s in exactly one suite', (file) => {
    expect(suites.filter((suite) => runs(suite, file)).map(({ name }) => name)).toHaveLength(1);
  });

  test.each([...STATIC_CHECKS, ...PREPARATIONS, ...CLUSTER_PREPARATIONS])(
    'has an npm script for: $name',
    ({ script }) => {
      expect(scripts).toHaveProperty([script]);
    },
  );
});
