/** Jest in ESM mode: node --experimental-vm-modules (`npm run jest`). @type {import('jest').Config} */
const base = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '\\.ts$': ['@swc/jest', { jsc: { target: 'es2024', parser: { syntax: 'typescript' } } }],
  },
  modulePathIgnorePatterns: ['<rootDir>/.local/', '<rootDir>/.cache/'],
};

function project(displayName, testMatch) {
  return { ...base, displayName, testMatch };
}

export default {
  maxWorkers: 2,
  // Jest knows no timeout per project (jestjs/jest#9759); this one is for what starts processes on a busy machine.
  testTimeout: 60_000,
  projects: [
    project('unit', [
      '<rootDir>/{api-shim,crds,executor,kube,local,operator,storage,tools}/**/*.test.ts',
      '<rootDir>/test/{bench,builders,fakes}/**/*.test.ts',
      '<rootDir>/test/conformance/*.test.ts',
    ]),
    project('storage', ['<rootDir>/test/storage/**/*.test.ts']),
    project('flow', ['<rootDir>/test/flow/**/*.test.ts']),
    project('contract', ['<rootDir>/test/contract/**/*.test.ts']),
    project('executor', ['<rootDir>/test/executor/**/*.test.ts']),
    {
      ...project('e2e', ['<rootDir>/test/e2e/**/*.test.ts']),
      runner: '<rootDir>/test/e2e/serial-runner.cjs',
    },
    project('history', ['<rootDir>/test/history/**/*.test.ts']),
    project('fuzz', ['<rootDir>/test/fuzz/**/*.test.ts']),
    project('conformance', ['<rootDir>/test/conformance/cases/*.test.ts']),
    project('local', ['<rootDir>/test/local/**/*.test.ts']),
  ],
};
