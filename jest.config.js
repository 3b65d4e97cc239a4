/** @type {import('jest').Config} */
module.exports = {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/__tests__/**/*.test.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2022' }, module: { type: 'commonjs' } },
    ],
  },
  moduleNameMapper: {
    '^passport-dialects$': '<rootDir>/lib/index.ts',
    '^passport-dialects/emulators$': '<rootDir>/emulators/index.ts',
    '^passport-dialects/testing$': '<rootDir>/testing/index.ts',
  },
  testTimeout: 30_000,
}
