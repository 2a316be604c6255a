/** Native ES modules, compiled by swc; workspace packages are read from their sources, not from dist. */
// biome-ignore lint/style/noDefaultExport: jest reads its configuration from the default export.
export default {
  testEnvironment: 'node',
  testEnvironmentOptions: {
    customExportConditions: ['odometer-source', 'node', 'node-addons'],
  },
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2023' }, module: { type: 'es6' } },
    ],
  },
  // One Postgres per run, which test files share; see packages/testing/src/test-database.ts.
  globalSetup: '<rootDir>/packages/testing/src/jest/global-setup.ts',
  globalTeardown: '<rootDir>/packages/testing/src/jest/global-teardown.ts',
  testMatch: ['<rootDir>/{packages,services}/*/src/**/*.test.ts', '<rootDir>/test/**/*.test.ts'],
  modulePathIgnorePatterns: ['<rootDir>/.odometer', '/dist/'],
  // Tests start real servers, on machines that are busy with other tests.
  testTimeout: 30_000,
  // Two cores: one worker each. More would only make the servers that tests start compete.
  maxWorkers: 2,
};
