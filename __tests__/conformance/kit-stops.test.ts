import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Server } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { AihubmixStrategy, type Json } from 'passport-dialects'
import { startEmulator } from 'passport-dialects/emulators'
import { collectDialectChecks, type DialectKit, describeDialect, NotTried } from 'passport-dialects/testing'
import { eventually } from '../support/eventually'

/** An envelope that is not there: no login can succeed. */
class NoLogin extends AihubmixStrategy {
  override unwrap(): Json | undefined {
    return {}
  }
}
const KIT: DialectKit = { strategy: NoLogin, emulator: () => startEmulator('aihubmix'), refresh: true }

const reasonOf = (run: () => Promise<void>): Promise<unknown> =>
  run().then(
    () => undefined,
    (reason: unknown) => reason,
  )

test('where no login succeeds, one check says why, and the rest were not tried', async () => {
  const checks = collectDialectChecks(KIT)
  const reasons: unknown[] = []
  for (const { run } of checks) reasons.push(await reasonOf(run))
  const failed = reasons.filter((reason) => reason !== undefined)
  const [first, ...others] = failed
  expect(first).not.toBeInstanceOf(NotTried)
  expect(String(first)).toMatch(/A login that must succeed fails with `response_invalid` in phase `token`.*Look at/)
  expect(others.length).toBeGreaterThan(100)
  for (const reason of others) expect(reason).toBeInstanceOf(NotTried)
  // A test that is tried again says the reason again.
  const teller = checks[reasons.indexOf(first)]
  expect(teller && (await reasonOf(teller.run))).toBe(first)
  // The options need no login, nor does a request that must begin none.
  expect(checks.length - failed.length).toBe(10)
})

test('control: where logins succeed, a mistake elsewhere stops nothing', async () => {
  const checks = collectDialectChecks({ ...KIT, strategy: AihubmixStrategy, codes: { denied: 'verify_refused' } })
  const some = checks.filter(({ name }) => /user says no|bom at token|two tabs/.test(name))
  const reasons = await Promise.all(some.map(({ run }) => reasonOf(run)))
  expect(reasons.map((reason) => reason !== undefined)).toEqual([false, false, true, false])
})

test('whichever check is run alone says why', async () => {
  const [check] = collectDialectChecks(KIT).filter(({ name }) => name.startsWith('bom at profile'))
  await expect(check?.run()).rejects.toThrow('no usable access_token')
})

test('a strategy that cannot be built leaves no server behind, which would keep node:test from ending', async () => {
  class Broken extends AihubmixStrategy {
    constructor(...args: ConstructorParameters<typeof AihubmixStrategy>) {
      super(...args)
      throw new Error('a mistake of the author')
    }
  }
  const listen = jest.spyOn(Server.prototype, 'listen') // only those of this test: a worker may have others
  try {
    const bare = collectDialectChecks({ ...KIT, strategy: Broken }).filter(({ name }) =>
      name.includes('callback-shaped'),
    )
    expect(bare.length).toBeGreaterThan(0)
    for (const { run } of bare) expect(String(await reasonOf(run))).toContain('a mistake of the author')
    const begun = listen.mock.contexts
    expect(begun.length).toBeGreaterThan(0)
    await eventually(() => expect(begun.filter(({ listening }) => listening)).toHaveLength(0))
  } finally {
    listen.mockRestore()
  }
})

describe('what a framework is told', () => {
  type Body = (...context: unknown[]) => Promise<void>
  const bodies: { name: string; body: Body }[] = []
  describeDialect(KIT, { describe: (_name, body) => body(), it: (name, body) => void bodies.push({ name, body }) })
  const bodyOf = (name: RegExp) => bodies.find((one) => name.test(one.name))?.body ?? (() => Promise.resolve())

  test('first the cause', async () => {
    // A parameter would make jest wait for a callback.
    expect(bodies.every(({ body }) => body.length === 0)).toBe(true)
    await expect(bodyOf(/each user/)()).rejects.toThrow('no usable access_token')
  })

  test('then, where a test that runs can be skipped, as in vitest: skipped, with the reason', async () => {
    const skip = jest.fn((why: string) => {
      throw new Error(`skipped: ${why}`)
    })
    await expect(bodyOf(/reset at token/)({ skip })).rejects.toThrow('skipped: Not tried: first make a login succeed.')
    expect(skip).toHaveBeenCalledTimes(1)
  })

  test('then, where it can not, as in jest: one line, without a stack', async () => {
    const reason = await reasonOf(bodyOf(/silent at token/))
    expect(reason).toMatchObject({ stack: 'Not tried: first make a login succeed.' })
  })
})

test('under node:test one test fails, and the rest are skipped', async () => {
  const folder = mkdtempSync(join(__dirname, 'stops-'))
  writeFileSync(
    join(folder, 'stops.ts'),
    `import { describe, it } from 'node:test'
    import { AihubmixStrategy } from 'passport-dialects'
    import { startEmulator } from 'passport-dialects/emulators'
    import { describeDialect } from 'passport-dialects/testing'
    class NoLogin extends AihubmixStrategy {
      override unwrap() { return {} }
    }
    describeDialect({ strategy: NoLogin, emulator: () => startEmulator('aihubmix') }, { describe, it })`,
  )
  const { NODE_ENV: _env, NODE_OPTIONS: _options, ...env } = process.env
  const run = promisify(execFile)(process.execPath, ['--import', 'tsx', '--test', join(folder, 'stops.ts')], { env })
  const { stdout }: { stdout: string } = await run.catch((failure) => failure)
  rmSync(folder, { recursive: true })
  const count = (what: string) => Number(new RegExp(`(?:#|ℹ) ${what} (\\d+)`).exec(stdout)?.[1])
  expect(count('fail')).toBe(1)
  expect(count('skipped')).toBeGreaterThan(80)
  expect(count('pass')).toBe(10)
}, 120_000)
