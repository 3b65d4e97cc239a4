import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expectToPass } from './kit-tests.mjs'

/**
 * Writes a provider by `passport-dialects new` into a project of each kind, and runs the test as the command says.
 * @param directory a project with the package, jest, vitest and tsx
 * @param nodes by version: the path of each Node
 * @param tools those of check-package.mjs
 */
export async function checkNew(directory, nodes, { step, run, inTurns }) {
  const command = join(directory, 'node_modules', 'passport-dialects', 'dist', 'bin', 'passport-dialects.js')
  await inTurns(
    KINDS.flatMap(({ runner, type, language, everywhere }) => {
      const home = join(directory, ['new', runner.replace(':', '-'), type, language].join('-'))
      const which = everywhere ? nodes : nodes.filter(([, node]) => node === process.execPath)
      return which.map(([version, node]) => () => {
        return step(`new under ${runner}: ${type}, ${language}, Node ${version}`, async () => {
          const folder = join(home, `node-${version}`)
          mkdirSync(folder, { recursive: true })
          const devDependencies = runner === 'node:test' ? {} : { [runner]: '*' }
          writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type, devDependencies }))
          const { stdout } = await run(node, [command, 'new', 'acme-corp', `--${language}`], folder)
          if (stdout.includes('Install what is missing')) throw new Error(stdout)
          const [, test = ''] = /^Run the test.*\n {2}(.+)$/m.exec(stdout) ?? []
          if (!RUNS[runner].test(test)) throw new Error(`No test for ${runner}: ${stdout}`)
          await expectToPass(run('sh', ['-c', test], folder, { PATH: `${dirname(node)}:${process.env.PATH}` }))
        })
      })
    }),
  )
}

/** The command that it must name. */
const RUNS = { 'node:test': /^(node|npx tsx) --test /, jest: /\bnpx jest /, vitest: /^npx vitest run / }

const KINDS = [
  { runner: 'node:test', type: 'commonjs', language: 'js', everywhere: true },
  { runner: 'node:test', type: 'module', language: 'js' },
  { runner: 'node:test', type: 'module', language: 'ts' },
  { runner: 'jest', type: 'commonjs', language: 'js' },
  { runner: 'jest', type: 'module', language: 'js' },
  { runner: 'vitest', type: 'commonjs', language: 'js' },
  { runner: 'vitest', type: 'module', language: 'ts' },
]
