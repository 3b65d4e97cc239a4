const { availableParallelism } = require('node:os')

/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/__tests__/**/*.test.ts'],
  transform: {
    '^.+\\.(ts|js|mjs)$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } },
    ],
    // Packages that exist as ES modules only.
    '/node_modules/(jose)/.+\\.js$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'ecmascript' }, target: 'es2022' }, module: { type: 'commonjs' } },
    ],
  },
  transformIgnorePatterns: ['/node_modules/(?!jose/)'],
  moduleNameMapper: {
    '^passport-dialects$': '<rootDir>/lib/index.ts',
    '^passport-dialects/redis$': '<rootDir>/lib/tokens/redis.ts',
    '^passport-dialects/emulators$': '<rootDir>/emulators/index.ts',
    '^passport-dialects/testing$': '<rootDir>/testing/index.ts',
  },
  setupFiles: ['<rootDir>/__tests__/support/shared-rsa-keys.ts'],
  // Every test file is one of secrets too.
  setupFilesAfterEnv: ['<rootDir>/__tests__/support/canaries/setup.ts'],
  testSequencer: '<rootDir>/__tests__/support/longest-first.js',
  globalSetup: '<rootDir>/__tests__/support/services.ts',
  reporters: ['default', '<rootDir>/__tests__/support/missing-services-reporter.js'],
  // Half as many again as cores, because many tests wait for a deadline or for another process.
  maxWorkers: Math.ceil(availableParallelism() * 1.5),
  // Must not strike on a busy machine: what hangs is told by a bound of its own.
  testTimeout: 120_000,
}
