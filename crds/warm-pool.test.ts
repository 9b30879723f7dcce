import { aTemplate } from '../test/builders/sandbox-template.ts';
import { fitsPool } from './warm-pool.ts';

const template = aTemplate({ spec: { resources: { cpu: '1', memory: '512Mi', disk: '1Gi' } } });

test.each([
  ['nothing of resources', {}, true],
  ['what its template says', { cpu: '1', memory: '512Mi', disk: '1Gi' }, true],
  ['the same in other words', { cpu: '1000m', memory: '524288Ki' }, true],
  ['more cpu', { cpu: '2' }, false],
  ['less memory', { memory: '256Mi' }, false],
  ['another disk', { cpu: '1', disk: '2Gi' }, false],
])('a sandbox that says %s can be served by the pool: %s', (_what, resources, fits) => {
  expect(fitsPool({ resources }, template)).toBe(fits);
});
