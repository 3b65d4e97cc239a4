export { collectDialectChecks } from './collect'
export { describeDialect, type TestFramework } from './describe-dialect'
export type { Check, DialectEmulator, DialectKit, Outcome } from './kit'
export { NotTried } from './not-tried'
