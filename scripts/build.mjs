// Builds dist/: CommonJS, so that `import` and `require` share one copy of the package; the browser's popup helper, which
// keeps nothing, in both formats.
import { spawnSync } from 'node:child_process'
import { rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')

rmSync('dist', { recursive: true, force: true })
compile('tsconfig.build.json')
compile('popup/tsconfig.json')
compile('popup/tsconfig.json', '--module', 'es2022', '--outDir', 'dist/popup/esm')
writeFileSync('dist/popup/esm/package.json', '{ "type": "module" }\n')

function compile(project, ...options) {
  const { status } = spawnSync(process.execPath, [tsc, '-p', project, ...options], { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
