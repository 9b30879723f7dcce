import {
  revisionOf,
  sandboxDependencies,
  type DependenciesStatus,
} from '../../crds/dependencies.ts';
import { ANNOTATION } from '../../crds/names.ts';
import { aRunningPodOf } from '../../test/builders/pod.ts';
import { BORN, SECOND, policy, serving, target } from '../../test/builders/observed-sandbox.ts';
import { aSandbox, readyStatus } from '../../test/builders/sandbox.ts';
import { decide } from './decide.ts';
import type { InstallView } from './installs.ts';
import type { Observed } from './observe.ts';
import { awaitsPackages } from './packages.ts';

const POD = target.podUID;
const wish = sandboxDependencies.parse({
  packages: [
    { name: 'NumPy', version: '1.26.0' },
    { name: 'pandas', version: '>=2, <3' },
  ],
});
const revision = revisionOf(wish);
const ended = { id: revision, phase: 'Installed', location: '/opt/dependencies/set-1' } as const;
const installed = [
  { name: 'numpy', version: '1.26.0' },
  { name: 'six', version: '1.16' },
];
const startedAt = '2026-01-01T00:00:05Z';

interface Case {
  readonly dependencies?: object;
  readonly before?: Partial<DependenciesStatus>;
  readonly install?: InstallView;
  readonly runtime?: string;
  readonly ofTemplate?: readonly object[];
}

function observed({ dependencies = wish, before, install, runtime, ofTemplate }: Case): Observed {
  const status = readyStatus(
    before && { dependencies: { state: 'Installing', revision, podUID: POD, ...before } },
  );
  const sandbox = aSandbox({ spec: { dependencies }, status });
  const seen = serving({ sandbox, install });
  const madeFrom = {
    runtime: runtime ?? 'python3.11',
    dependencies: { packages: ofTemplate ?? [] },
  };
  const annotations = { [ANNOTATION.templatePackages]: JSON.stringify(madeFrom) };
  const pod = aRunningPodOf(sandbox);
  const annotated = { ...pod, metadata: { ...pod.metadata, annotations } };
  return { ...seen, pod: annotated, pods: [annotated] };
}

function outcome(given: Case): {
  dependencies: unknown;
  condition: unknown;
  actions: readonly unknown[];
} {
  const seen = observed(given);
  const { actions, status = seen.sandbox.status } = decide(seen, policy);
  const condition = status?.conditions?.find(({ type }) => type === 'DependenciesInstalled');
  return { dependencies: status?.dependencies, condition, actions };
}

test('without packages there is nothing to do and nothing to say', () => {
  expect(outcome({ dependencies: {} })).toEqual({
    dependencies: undefined,
    condition: undefined,
    actions: [],
  });
});

test('packages are installed, as pip would have them written, once the sandbox serves', () => {
  const { dependencies, condition, actions } = outcome({});
  expect(dependencies).toMatchObject({ state: 'Installing', revision, podUID: POD });
  expect(condition).toMatchObject({ status: 'False', reason: 'Installing' });
  const requirements = ['NumPy==1.26.0', 'pandas>=2,<3'];
  const request = { installer: 'uv', requirements, timeoutMs: 300_000 };
  const indexUrl = 'https://pypi.org/simple/';
  expect(actions).toEqual([{ type: 'install', revision, indexUrl, request, target }]);
});

test('what a template brings comes along, unless the sandbox has its own word about it', () => {
  const ofTemplate = [
    { name: 'six', version: '==1.16' },
    { name: 'numpy', version: '==1.0' },
  ];
  const { actions } = outcome({ ofTemplate });
  expect(actions).toMatchObject([
    { request: { requirements: ['six==1.16', 'NumPy==1.26.0', 'pandas>=2,<3'] } },
  ]);
});

test('a Node.js sandbox has its packages from npm', () => {
  const dependencies = {
    packages: [{ name: '@types/node', version: '^24.0.0' }, { name: 'is-odd' }],
  };
  expect(outcome({ runtime: 'nodejs20', dependencies }).actions).toMatchObject([
    {
      indexUrl: 'https://registry.npmjs.org/',
      request: { installer: 'npm', requirements: ['@types/node@^24.0.0', 'is-odd'] },
    },
  ]);
});

test('after a restart of the operator the installation is asked for again, and has gone on since it began', () => {
  const { dependencies, actions } = outcome({ before: { startedAt } });
  expect(actions).toMatchObject([{ type: 'install', revision }]);
  expect(dependencies).toMatchObject({ state: 'Installing', startedAt });
});

test('while it goes on, nothing is done', () => {
  const install = { podUID: POD, revision };
  const { dependencies, actions } = outcome({ before: { startedAt }, install });
  expect(actions).toEqual([]);
  expect(dependencies).toMatchObject({ state: 'Installing', startedAt });
});

test('its end is told, with what can be imported now and where it came from', () => {
  const end = { ...ended, installed, startedAt, finishedAt: '2099-01-01T00:00:00Z' };
  const install = { podUID: POD, revision, end };
  const ofTemplate = [{ name: 'SIX' }];
  const { dependencies, condition, actions } = outcome({
    before: { startedAt },
    install,
    ofTemplate,
  });
  expect(dependencies).toEqual({
    state: 'Installed',
    reason: 'Installed',
    revision,
    podUID: POD,
    settledPodUID: POD,
    installed: [installed[0], { ...installed[1], fromTemplate: true }],
    location: ended.location,
    startedAt,
    finishedAt: new Date(BORN + 10 * SECOND).toISOString(),
  });
  expect(condition).toMatchObject({ status: 'True' });
  expect(actions).toEqual([{ type: 'forgetInstall' }]);
});

test.each([
  ['InstallerFailed', 'DependencyInstallFailed'],
  ['TimedOut', 'DependencyInstallTimeout'],
  ['InstallerNotAvailable', 'InstallerNotAvailable'],
] as const)('a failure, %s, is told as %s, and the sandbox stays ready', (reason, told) => {
  const end = {
    ...ended,
    phase: 'Failed' as const,
    reason,
    message: 'no numpy==1.26.0',
    installed: [],
    startedAt,
  };
  const install = { podUID: POD, revision, end } as const;
  const seen = observed({ before: { startedAt }, install });
  const { status } = decide(seen, policy);
  expect(status?.phase).toBe('Running');
  expect(status?.dependencies).toMatchObject({
    state: 'Failed',
    reason: told,
    message: 'no numpy==1.26.0',
    installed: [],
    settledPodUID: POD,
  });
});

test.each([
  [{ runtime: 'java17' }, 'InstallerNotAvailable', 'java17'],
  [
    { dependencies: { ...wish, indexUrl: 'https://10.0.0.1/simple/' } },
    'IndexNotAllowed',
    'https://10.0.0.1/simple/',
  ],
] as const)('%j fails without asking anybody', (given, reason, word) => {
  const { dependencies, actions } = outcome(given);
  expect(dependencies).toMatchObject({
    state: 'Failed',
    reason,
    message: expect.stringContaining(word),
  });
  expect(actions).toEqual([]);
});

test.each([
  ['another wish', { revision: 'old', state: 'Installed' }],
  ['another pod', { podUID: 'old', state: 'Installed' }],
  ['another try', { revision: revisionOf({ ...wish, attempt: 1 }), state: 'Failed' }],
] as const)('what is installed for %s counts for nothing', (_, before) => {
  expect(outcome({ before }).actions).toMatchObject([{ type: 'install', revision }]);
});

test.each(['Installed', 'Failed'] as const)('what is %s stays so', (state) => {
  const { actions, dependencies } = outcome({ before: { state, settledPodUID: POD } });
  expect(actions).toEqual([]);
  expect(dependencies).toMatchObject({ state });
});

test('packages that are wanted no more are taken away', () => {
  const before = { revision: 'old', state: 'Installed', settledPodUID: POD } as const;
  expect(outcome({ dependencies: {}, before }).actions).toMatchObject([
    { type: 'install', request: { requirements: [] } },
  ]);
});

test.each([
  ['the first installation goes on', {}, true],
  ['it was that of another pod', { settledPodUID: 'old' }, true],
  ['it is over', { state: 'Installed', settledPodUID: POD }, false],
  ['it has failed', { state: 'Failed', settledPodUID: POD }, false],
  ['another one goes on', { settledPodUID: POD }, false],
] as const)('executions wait: %s', (_, before, isWaiting) => {
  const { sandbox, pod } = observed({ before });
  expect(pod && awaitsPackages(sandbox, pod)).toBe(isWaiting);
});

test('executions of a sandbox without packages do not wait', () => {
  const { sandbox, pod } = observed({ dependencies: {} });
  expect(pod && awaitsPackages(sandbox, pod)).toBe(false);
});
