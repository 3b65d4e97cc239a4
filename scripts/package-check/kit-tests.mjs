import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'

/**
 * Runs the conformance kit under each test framework: a strategy passes, one with a mistake fails and says which.
 * @param tools those of check-package.mjs
 */
export async function checkKit(directory, packages, { step, install, run, inTurns }) {
  // node:test comes with Node.
  await step('install with jest, vitest and tsx', () =>
    // Not saved: `passport-dialects new` looks for a test runner in every package.json round its folder.
    install(directory, ['--no-save', ...packages, 'express-session', 'jest@30', 'vitest@3', 'tsx@4']),
  )
  await inTurns(
    writeTests(directory).map(({ name, args, expects }) => () => {
      return step(name, () => expects(run(process.execPath, args, directory)))
    }),
  )
}

// jest has its functions where everybody finds them; it takes modules only under this flag of Node.
const FRAMEWORKS = {
  jest: ['--experimental-vm-modules', 'node_modules/jest/bin/jest.js', '--ci'],
  vitest: ['node_modules/vitest/vitest.mjs', 'run'],
  'node:test': ['--test'],
}

/** A test file for each framework and each strategy of `kit.mjs`: how it is run, and what must come of it. */
function writeTests(directory) {
  cpSync(join(import.meta.dirname, 'kit.mjs'), join(directory, 'kit.mjs'))
  const jest = { testMatch: ['**/*.jest.test.mjs'], transform: {} }
  writeFileSync(join(directory, 'jest.config.json'), JSON.stringify(jest))
  return Object.entries(FRAMEWORKS).flatMap(([framework, args]) =>
    Object.entries({ Right: expectToPass, Wrong: expectToFail }).map(([strategy, expects]) => {
      const file = `${strategy}.${framework.replace(':', '-')}.test.mjs`
      const lines = [`import { check, ${strategy} } from './kit.mjs'`, `check(${strategy})`]
      const handed = [`import { describe, it } from '${framework}'`, lines[0], `check(${strategy}, { describe, it })`]
      writeFileSync(join(directory, file), `${(framework === 'jest' ? lines : handed).join('\n')}\n`)
      return { name: `the kit under ${framework}: ${strategy}`, args: [...args, file], expects }
    }),
  )
}

/** Fewer than any dialect's kit has. */
const FEWEST_CHECKS = 80

export async function expectToPass(ran) {
  const { stdout, stderr } = await ran
  // A runner that found no test ends well too. jest and vitest: "Tests 90 passed"; node:test: "pass 90".
  const output = stripVTControlCharacters(stdout + stderr) // in CI some are coloured
  const [, named, plain] = /\bTests:?\s+(\d+) passed|\bpass (\d+)$/m.exec(output) ?? []
  if (Number(named ?? plain ?? 0) < FEWEST_CHECKS) throw new Error(`Too few checks were run: ${output}`)
}

async function expectToFail(ran) {
  const said = await ran.then(
    () => 'The kit let the wrong strategy pass.',
    ({ stdout, stderr }) => `${stdout}${stderr}`,
  )
  if (!said.includes('client secret stands in the address')) throw new Error(said)
}
