import { aTemplate } from '../../test/builders/sandbox-template.ts';
import { templateProblem } from './problem.ts';

test.each([
  'python',
  'sandbox-template-python-basic:latest',
  'registry.example.com/team/python:3.11-slim',
  'localhost:5000/python',
  `ghcr.io/a/b__c@sha256:${'0'.repeat(64)}`,
  'Registry.Example.com:443/python:V1.2_3',
])('%s can be an image', (image) => {
  expect(templateProblem(aTemplate({ spec: { image } }))).toBeUndefined();
});

test.each([
  'Python',
  'not an image',
  'python:',
  '/python',
  'python@sha256:abc',
  'https://example.com/python',
  'a//b',
  'python;rm -rf',
])('%s cannot be an image', (image) => {
  expect(templateProblem(aTemplate({ spec: { image } }))).toContain(`"${image}"`);
});

test('an image name that tries to confuse the grammar is judged at once', () => {
  const image = `${'a-'.repeat(255)}!`;
  expect(templateProblem(aTemplate({ spec: { image } }))).toBeDefined();
});

test('a variable with a value and a reference is refused by its name', () => {
  const valueFrom = { secretKeyRef: { name: 'keys', key: 'token' } };
  const template = aTemplate({ spec: { env: [{ name: 'A', value: 'x', valueFrom }] } });
  expect(templateProblem(template)).toContain('spec.env A');
});

test.each([
  { cpu: '1', cpuRequest: '2', isRefused: true },
  { cpu: '1', cpuRequest: '1000m', isRefused: false },
  { cpu: '500m', cpuRequest: '0.05', isRefused: false },
])('of $cpu cpu, a request of $cpuRequest: refused is $isRefused', ({ isRefused, ...cpus }) => {
  const problem = templateProblem(aTemplate({ spec: { resources: cpus } }));
  expect(problem !== undefined).toBe(isRefused);
});
