import type { z } from 'zod';
import { executionSpec, executionStatus } from './execution.ts';
import { LIMITS } from './limits.ts';
import { sandboxTemplateSpec } from './sandbox-template.ts';
import { sandboxSpec } from './sandbox.ts';

const template = { image: 'some/image:1' };
const sandbox = { templateRef: { name: 'python-basic' } };
const execution = { sandboxRef: { name: 'hello' }, language: 'python', code: 'pass' };

describe('what is left out gets a default', () => {
  it('in a template', () => {
    expect(sandboxTemplateSpec.parse(template)).toEqual({
      image: 'some/image:1',
      imagePullPolicy: 'IfNotPresent',
      imagePullSecrets: [],
      runtime: 'python3.11',
      resources: { cpu: '1', memory: '512Mi', disk: '1Gi' },
      env: [],
      timeouts: {
        executionSeconds: 30,
        idleSeconds: 1_800,
        onIdle: 'Terminate',
        lifetimeSeconds: 21_600,
      },
      executions: { maxConcurrent: 16 },
      dependencies: { packages: [] },
      isolation: {},
      scheduling: { nodeSelector: {}, tolerations: [], podsPerNode: 10 },
      warmPool: { size: 0 },
    });
  });

  it('in a sandbox, where the template decides the rest', () => {
    expect(sandboxSpec.parse(sandbox)).toEqual({
      ...sandbox,
      resources: {},
      env: [],
      timeouts: {},
      dependencies: { packages: [], installTimeoutSeconds: 300, attempt: 0 },
      desiredState: 'Running',
    });
  });

  it('in an execution', () => {
    expect(executionSpec.parse(execution)).toEqual({
      ...execution,
      event: {},
      env: [],
      ttlSecondsAfterFinished: 86_400,
      cancel: false,
    });
  });
});

type Row = readonly [name: string, schema: z.ZodType, value: unknown];

function withPackage(item: object): object {
  return { ...sandbox, dependencies: { packages: [item] } };
}

function withIndex(indexUrl: string): object {
  return { ...sandbox, dependencies: { indexUrl } };
}

function withResources(resources: object): object {
  return { ...template, resources };
}

const accepted: readonly Row[] = [
  ...['1', '16', '0.5', '1.25', '0.05', '0.005', '500m', '1m'].map((cpu): Row => [
    `cpu ${cpu}`,
    sandboxTemplateSpec,
    withResources({ cpu }),
  ]),
  ...['1', '512Mi', '1Gi', '2Ti', '128974848', '500M'].map((memory): Row => [
    `memory ${memory}`,
    sandboxTemplateSpec,
    withResources({ memory }),
  ]),
  [
    'a sandbox that never ends by itself',
    sandboxSpec,
    { ...sandbox, timeouts: { idleSeconds: 0, lifetimeSeconds: 0 } },
  ],
  ['a template name of 63 characters', sandboxSpec, { templateRef: { name: 'a'.repeat(63) } }],
  [
    'an event of any shape inside',
    executionSpec,
    { ...execution, event: { a: [null, { b: 1.5 }], '': false } },
  ],
  ['the longest code', executionSpec, { ...execution, code: 'x'.repeat(LIMITS.codeCharacters) }],
  ['a timeout at its bounds', executionSpec, { ...execution, timeoutSeconds: 3_600 }],
  ...['requests', 'A', 'zope.interface', 'typing_extensions', '@types/node'].map((name): Row => [
    `a package named ${name}`,
    sandboxSpec,
    withPackage({ name }),
  ]),
  ...[
    '==1.0.2',
    '1.0.2',
    '>=1.4, <2',
    '~=2.1',
    '!=1.5.*',
    '===1.0',
    '==1!2.0rc1.post2.dev3+cpu.1',
    '^4.17.0',
    '~1.2',
    '5.0.0-beta.1',
  ].map((version): Row => [
    `a package of version ${version}`,
    sandboxSpec,
    withPackage({ name: 'numpy', version }),
  ]),
  ...['https://pypi.org/simple/', 'http://index.example.org:8081/repository/pypi/simple'].map(
    (url): Row => [`the index ${url}`, sandboxSpec, withIndex(url)],
  ),
  ['a return value of null', executionStatus, { returnValue: null }],
  ['a return value of false', executionStatus, { returnValue: false }],
];

const refused: readonly Row[] = [
  ...['0', '0.0', '0m', '-1', '1.', '.5', '1e3', '1,5', '2 ', 'lots', '', '99999', '1.0001'].map(
    (cpu): Row => [`cpu "${cpu}"`, sandboxTemplateSpec, withResources({ cpu })],
  ),
  ...['0', '0Mi', '-1', '1.5Gi', '1KiB', '1 Gi', '1gi', '', '1Ei', 'much'].map((memory): Row => [
    `memory "${memory}"`,
    sandboxTemplateSpec,
    withResources({ memory }),
  ]),
  ['a template without an image', sandboxTemplateSpec, {}],
  ['a template with an empty image', sandboxTemplateSpec, { image: '' }],
  ['an unknown runtime', sandboxTemplateSpec, { ...template, runtime: 'cobol' }],
  [
    'a lifetime of more than 30 days',
    sandboxTemplateSpec,
    { ...template, timeouts: { lifetimeSeconds: 2_592_001 } },
  ],
  ['a sandbox without a template', sandboxSpec, {}],
  ...['', 'A', 'a.b', '-a', 'a-', 'a/b', '..', 'a'.repeat(64)].map((name): Row => [
    `a template named "${name}"`,
    sandboxSpec,
    { templateRef: { name } },
  ]),
  ['a sandbox in an unknown state', sandboxSpec, { ...sandbox, desiredState: 'Paused' }],
  ...['1A', 'A-B', 'A=B', '', 'A\n', 'A'.repeat(129)].map((name): Row => [
    `a variable named ${JSON.stringify(name)}`,
    sandboxSpec,
    { ...sandbox, env: [{ name }] },
  ]),
  [
    '65 variables',
    sandboxSpec,
    { ...sandbox, env: Array.from({ length: 65 }, (_, n) => ({ name: `A${String(n)}` })) },
  ],
  ...[
    '',
    '-r',
    '--help',
    '../../../etc/passwd',
    'https://example.org/a.whl',
    'package; rm -rf /',
    'name @ file:///a',
    'a b',
    'a\n--index-url=http://x',
    'name[extra]',
    'a'.repeat(101),
  ].map((name): Row => [
    `a package named ${JSON.stringify(name)}`,
    sandboxSpec,
    withPackage({ name }),
  ]),
  ...[
    '',
    '=1.0',
    'latest; rm',
    '@ https://example.org/a.whl',
    '==1.0 --index-url x',
    '==1.0\n-r x',
    '>=',
    `==1${'a'.repeat(60)}!`,
    '==1; python_version<"3"',
  ].map((version): Row => [
    `a package of version ${JSON.stringify(version)}`,
    sandboxSpec,
    withPackage({ name: 'numpy', version }),
  ]),
  [
    '51 packages',
    sandboxSpec,
    {
      ...sandbox,
      dependencies: {
        packages: Array.from({ length: 51 }, (_, n) => ({ name: `a${String(n)}` })),
      },
    },
  ],
  ...[
    'file:///etc/passwd',
    'ftp://a/',
    'https://user:secret@a/',
    'https://',
    'https://a/?q',
    '',
  ].map((url): Row => [`the index "${url}"`, sandboxSpec, withIndex(url)]),
  [
    'an installation of ten seconds',
    sandboxSpec,
    { ...sandbox, dependencies: { installTimeoutSeconds: 10 } },
  ],
  ['an unknown language', executionSpec, { ...execution, language: 'ruby' }],
  ['no code', executionSpec, { ...execution, code: '' }],
  [
    'code that is too long',
    executionSpec,
    { ...execution, code: 'x'.repeat(LIMITS.codeCharacters + 1) },
  ],
  ['an event that is a list', executionSpec, { ...execution, event: [] }],
  ['an event that is null', executionSpec, { ...execution, event: null }],
  ['a timeout of zero', executionSpec, { ...execution, timeoutSeconds: 0 }],
  ['a timeout above the bound', executionSpec, { ...execution, timeoutSeconds: 3_601 }],
  ['a timeout with a fraction', executionSpec, { ...execution, timeoutSeconds: 1.5 }],
  ['an unknown phase', executionStatus, { phase: 'Done' }],
  ['an unknown reason', executionStatus, { reason: 'Because' }],
];

describe('the schemas', () => {
  test.each(accepted)('accept %s', (_, schema, value) => {
    expect(schema.safeParse(value).error).toBeUndefined();
  });

  test.each(refused)('refuse %s', (_, schema, value) => {
    expect(schema.safeParse(value).success).toBe(false);
  });
});
