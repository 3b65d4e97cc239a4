/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/__tests__/**/*.test.ts'],
  transform: {
    '^.+\\.(ts|js|mjs)$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } },
    ],
  },
  moduleNameMapper: {
    '^passport-dialects$': '<rootDir>/lib/index.ts',
    '^passport-dialects/redis$': '<rootDir>/lib/tokens/redis.ts',
    '^passport-dialects/emulators$': '<rootDir>/emulators/index.ts',
  },
  // These ship as ES modules only.
  transformIgnorePatterns: ['/node_modules/(?!(jose|connect-redis)/)'],
  testTimeout: 30_000,
}
