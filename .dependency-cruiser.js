/**
 * Imports point one way (ARCHITECTURE.md): crds, kube <- storage, executor/{contract,client} <- operator, api-shim <- local, test.
 * Tests beside code may use the builders and fakes of test/.
 */
const OURS = '^(api-shim|crds|executor|kube|local|operator|storage|test|tools)/';
const TESTS = '(\\.test\\.ts$|^test/)';
const EXECUTOR_FACE = '^executor/(contract|environment|client|json-shape|text-pieces)\\.ts$';
const EXECUTOR_CLIENT = '^executor/(address|http-client|token)\\.ts$';
const CLIENTS =
  '^kube/(client|http-client|transport)|^node_modules/(@kubernetes|undici|dockerode)/';

/** A folder of ours that may import nothing of ours but what `allowed` matches. */
function only(name, from, allowed) {
  return {
    name,
    severity: 'error',
    from: { path: from, pathNot: TESTS },
    to: { path: OURS, pathNot: allowed },
  };
}

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-unresolved',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'no-dev-dependency-in-production',
      severity: 'error',
      from: {
        path: '^(api-shim|crds|executor|kube|local|operator|storage)/',
        // Bundles the daemon, from a checkout.
        pathNot: `${TESTS}|^executor/build\\.ts$`,
      },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    only('kube-knows-no-kind-of-ours', '^kube/', '^kube/'),
    // The quantities of Kubernetes are a file that imports nothing itself.
    only('crds-import-nothing-of-ours', '^crds/', '^(crds/|kube/(objects|quantity)\\.ts$)'),
    {
      name: 'crds-take-only-types-and-quantities-from-kube',
      severity: 'error',
      from: { path: '^crds/', pathNot: TESTS },
      to: {
        path: '^kube/',
        pathNot: '^kube/quantity\\.ts$',
        dependencyTypesNot: ['type-only'],
      },
    },
    only('storage-knows-only-the-kinds', '^storage/', '^(storage|crds|kube)/'),
    // Two files that import nothing themselves.
    only('executor-stands-alone', '^executor/', '^(executor/|kube/(clock|logger)\\.ts$)'),
    {
      name: 'executor-has-no-kubernetes-client',
      severity: 'error',
      from: { path: '^executor/' },
      to: { path: '^node_modules/@kubernetes/' },
    },
    only(
      'operator-meets-the-executor-in-its-contract',
      '^operator/(?!main\\.ts$)',
      `^(operator|crds|kube|storage)/|${EXECUTOR_FACE}`,
    ),
    only(
      'operator-is-put-together-with-the-real-executor-client',
      '^operator/main\\.ts$',
      `^(operator|crds|kube|storage)/|${EXECUTOR_FACE}|${EXECUTOR_CLIENT}`,
    ),
    only(
      'shim-imports-neither-operator-nor-local',
      '^api-shim/(?!main\\.ts$)',
      `^(api-shim|crds|kube|storage)/|${EXECUTOR_FACE}`,
    ),
    only(
      'shim-is-put-together-with-the-real-executor-client',
      '^api-shim/main\\.ts$',
      `^(api-shim|crds|kube|storage)/|${EXECUTOR_FACE}|${EXECUTOR_CLIENT}`,
    ),
    {
      name: 'decide-has-no-client',
      severity: 'error',
      from: { path: '^operator/[^/]+/(decide|pod|status)\\.ts$' },
      to: {
        path: `${CLIENTS}|^operator/[^/]+/(act|observe|reconciler)\\.ts$|^executor/client\\.ts$`,
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'decide-reads-no-outside-world',
      severity: 'error',
      from: { path: '^operator/[^/]+/(decide|pod|status)\\.ts$' },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(crypto|assert)$' },
    },
    {
      name: 'only-local-and-tests-import-the-shim',
      severity: 'error',
      from: { path: OURS, pathNot: `^(api-shim|local)/|${TESTS}` },
      to: { path: '^api-shim/' },
    },
    {
      name: 'nothing-imports-tests',
      severity: 'error',
      from: { path: OURS, pathNot: TESTS },
      to: { path: TESTS },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: 'specify',
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      conditionNames: ['import', 'node', 'default'],
      exportsFields: ['exports'],
    },
  },
};
