// Builds dist/: CommonJS, so that `import` and `require` share one copy of the package; the browser's popup helper, which
// keeps nothing, in both formats. What a user imports from `lib/` is one file.
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { build, transformSync } from 'esbuild'
import ts from 'typescript'

const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')

rmSync('dist', { recursive: true, force: true })
compile('tsconfig.build.json')
compile('popup/tsconfig.json')
compile('popup/tsconfig.json', '--module', 'es2022', '--outDir', 'dist/popup/esm')
writeFileSync('dist/popup/esm/package.json', '{ "type": "module" }\n')
reprint()
await joinFiles()
checkRequires()
dropDeclarations()

/**
 * The engine and the strategies as one file: Node takes twenty milliseconds longer to load seventy. The declarations stay
 * as they are, and what is imported under a path of its own is a file of its own.
 */
async function joinFiles() {
  const apart = join('dist', 'lib', 'tokens', 'redis.js')
  for (const room of ['dist/lib', 'dist/strategies']) {
    for (const file of readdirSync(room, { recursive: true, encoding: 'utf8' })) {
      const path = join(room, file)
      if (path.endsWith('.js') && path !== apart) rmSync(path)
    }
  }
  await build({
    entryPoints: ['lib/index.ts'],
    outfile: 'dist/lib/index.js',
    bundle: true,
    packages: 'external',
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    charset: 'utf8',
    logLevel: 'warning',
  })
  const joined = join('dist', 'lib', 'index.js')
  const text = readFileSync(joined, 'utf8')
  // The list of its names, which Node's `import` looks for, stands in code that never runs, and would go.
  const names = text.lastIndexOf('\n0 && (module.exports = {')
  if (names === -1) throw new Error(`${joined} does not end with the list of its names.`)
  writeFileSync(joined, reprinted(text.slice(0, names)) + text.slice(names))
}

/** @throws where a built file requires another one that was joined into the engine */
function checkRequires() {
  for (const file of readdirSync('dist', { recursive: true, encoding: 'utf8' })) {
    const path = resolve('dist', file)
    if (!path.endsWith('.js')) continue
    const { resolve: find } = createRequire(path)
    for (const [, target] of readFileSync(path, 'utf8').matchAll(/\brequire\("(\.[^"]+)"\)/g)) find(target)
  }
}

/** Of what nobody can import: declarations that no entry of the package leads to. */
function dropDeclarations() {
  const { exports } = JSON.parse(readFileSync('package.json', 'utf8'))
  const wanted = new Set()
  const follow = (path) => {
    if (wanted.has(path) || !existsSync(path)) return
    wanted.add(path)
    for (const [, target] of readFileSync(path, 'utf8').matchAll(/\b(?:from |import\()["'](\.[^"']+)["']/g)) {
      const to = resolve(path, '..', target.replace(/\.js$/, ''))
      for (const ending of ['.d.ts', '/index.d.ts']) follow(`${to}${ending}`)
    }
  }
  for (const entry of Object.values(exports)) {
    for (const { types } of [entry, entry.import ?? {}, entry.require ?? {}]) if (types) follow(resolve(types))
  }
  for (const file of readdirSync('dist', { recursive: true, encoding: 'utf8' })) {
    if (file.endsWith('.d.ts') && !wanted.has(resolve('dist', file))) rmSync(join('dist', file))
  }
}

/** JavaScript indented by two, without its comments, which the declarations have: a tenth less to install. */
function reprinted(text) {
  const compilerOptions = {
    allowJs: true,
    removeComments: true,
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.ESNext,
  }
  const { outputText } = ts.transpileModule(text, { fileName: 'built.js', compilerOptions })
  return transformSync(outputText, { charset: 'utf8', target: 'node20' }).code
}

function reprint() {
  for (const file of readdirSync('dist', { recursive: true, encoding: 'utf8' })) {
    const path = join('dist', file)
    if (!/\.(js|d\.ts)$/.test(path)) continue
    const text = readFileSync(path, 'utf8')
    writeFileSync(
      path,
      path.endsWith('.js')
        ? reprinted(text)
        : text.replace(/^(?: {4})+/gm, (indent) => indent.slice(indent.length / 2)),
    )
  }
}

function compile(project, ...options) {
  const { status } = spawnSync(process.execPath, [tsc, '-p', project, ...options], { stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}
