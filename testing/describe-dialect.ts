import { collectDialectChecks } from './collect'
import type { Check, DialectKit } from './kit'
import { NotTried } from './not-tried'

/** The functions of a test framework that the kit needs. */
export interface TestFramework {
  /** Groups tests. */
  describe(name: string, body: () => void): unknown
  /** Registers one test. */
  it(name: string, body: () => Promise<void>): unknown
}

/**
 * Registers the conformance, refusal and fault checks of a strategy with the test framework. It uses `describe` and `it`
 * of `framework`, as from `node:test` or vitest; without them, the globals `describe` and `it` (or `test`), as in jest.
 *
 * @throws TypeError if there is no framework, or the kit lacks its strategy or emulator or has an unknown member
 *
 * @example
 * ```ts
 * describeDialect({ strategy: TiktokStrategy, emulator: () => startEmulator('tiktok'), refresh: true })
 * ```
 */
export function describeDialect(kit: DialectKit, framework: Partial<TestFramework> = {}): void {
  const describe = framework.describe ?? globalFunction('describe')
  const it = framework.it ?? globalFunction('it') ?? globalFunction('test')
  if (!describe || !it) {
    throw new TypeError(
      "There is no test framework here: hand over its functions, as in describeDialect(kit, { describe, it }) with those of 'node:test' or 'vitest'.",
    )
  }
  const checks = collectDialectChecks(kit)
  const title = typeof kit.strategy.name === 'string' && kit.strategy.name !== '' ? kit.strategy.name : 'a dialect'
  describe(title, () => {
    for (const group of new Set(checks.map((check) => check.group))) {
      describe(group, () => {
        for (const check of checks.filter((one) => one.group === group))
          it(check.name, (...context) => runIn(context, check))
      })
    }
  })
}

/**
 * Skips a check that was not tried, if the framework lets a running test do that, like node:test and vitest. In jest it
 * fails with one line, because it has not passed either.
 */
async function runIn([context]: unknown[], check: Check): Promise<void> {
  try {
    await check.run()
  } catch (error) {
    if (!(error instanceof NotTried) || !canSkip(context)) throw error
    context.skip(error.message)
  }
}

function canSkip(context: unknown): context is { skip(why: string): void } {
  return typeof context === 'object' && context !== null && typeof Reflect.get(context, 'skip') === 'function'
}

function globalFunction(name: string) {
  const value: unknown = Reflect.get(globalThis, name)
  if (typeof value !== 'function') return undefined
  return (...args: [string, () => unknown]): unknown => Reflect.apply(value, undefined, args)
}
