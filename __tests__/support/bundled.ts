import { randomBytes } from 'node:crypto'
import { mkdirSync, renameSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type BuildOptions, buildSync } from 'esbuild'

const ROOT = join(__dirname, '../..')
/**
 * Inside the project, so that `import 'express'` finds the installed package; one level below the root, as `bin/` is.
 */
const FOLDER = join(ROOT, '.bundled')

const OPTIONS: BuildOptions = {
  bundle: true,
  packages: 'external',
  // Uses the package's sources.
  tsconfig: join(ROOT, 'tsconfig.json'),
  platform: 'node',
  target: 'node20',
  logLevel: 'warning',
}

const files = new Map<string, string>()

/**
 * Bundles a TypeScript file into one JavaScript file, for another process: Node starts it in a fifth of the time of
 * `tsx`.
 * @param entry path from the root
 * @returns the path of a CommonJS file, written once by each worker
 */
export function bundled(entry: string): string {
  const known = files.get(entry)
  if (known !== undefined) return known
  mkdirSync(FOLDER, { recursive: true })
  const path = join(FOLDER, `${entry.replace(/\W+/g, '-')}.cjs`)
  const written = `${path}.${process.pid}` // another worker may be starting what stands there
  const file = join(ROOT, entry)
  // The example finds its public files from where it stands.
  const define = { __dirname: JSON.stringify(dirname(file)) }
  buildSync({ ...OPTIONS, define, entryPoints: [file], outfile: written, format: 'cjs' })
  renameSync(written, path)
  files.set(entry, path)
  return path
}

/** Gives a module its `require`: the package loads some of its parts late. */
const REQUIRE = "import { createRequire as requireOf } from 'node:module'; const require = requireOf(import.meta.url)"

/**
 * The same for a module's source, as if it were a file in the project's folder.
 * @returns the path of an ES module only for this call, which the caller removes
 */
export function bundledCode(source: string): string {
  mkdirSync(FOLDER, { recursive: true })
  const path = join(FOLDER, `code-${randomBytes(6).toString('hex')}.mjs`)
  const stdin = { contents: source, resolveDir: ROOT, loader: 'ts' } as const
  buildSync({ ...OPTIONS, stdin, outfile: path, format: 'esm', banner: { js: REQUIRE } })
  return path
}
