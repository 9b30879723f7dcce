/** Jest in ESM mode: node --experimental-vm-modules (`npm run jest`). @type {import('jest').Config} */
const base = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': ['@swc/jest', { jsc: { target: 'es2024', parser: { syntax: 'typescript' } } }],
  },
  modulePathIgnorePatterns: ['<rootDir>/.local/', '<rootDir>/.cache/'],
};

function project(displayName, testMatch, testTimeout = 5_000) {
  return { ...base, displayName, testMatch, testTimeout };
}

export default {
  maxWorkers: 2,
  projects: [
    project('unit', [
      '<rootDir>/{api-shim,crds,executor,kube,local,operator,storage,tools}/**/*.test.ts',
      '<rootDir>/test/{bench,builders,fakes}/**/*.test.ts',
    ]),
    project('flow', ['<rootDir>/test/flow/**/*.test.ts'], 30_000),
    project('contract', ['<rootDir>/test/contract/**/*.test.ts'], 60_000),
    project('executor', ['<rootDir>/test/executor/**/*.test.ts'], 60_000),
    project('local', ['<rootDir>/test/local/**/*.test.ts'], 180_000),
  ],
};
