import { cpSync, existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'

// Our package stands beside its peers as npm would install it: built, without sources, and with one Express,
// one Passport and one undici for all. A link would bring a second copy of each from the folder above.
const root = join(import.meta.dirname, '..')
const target = join(import.meta.dirname, 'node_modules', 'passport-dialects')
const before = process.env.BENCH_BEFORE

if (!existsSync(join(root, 'dist'))) throw new Error('Run `npm run build` in the folder above first.')
copyBuild(root, target)
rmSync(`${target}-before`, { recursive: true, force: true })
if (before !== undefined) copyBuild(before, `${target}-before`)

function copyBuild(from, to) {
  rmSync(to, { recursive: true, force: true })
  for (const part of ['package.json', 'dist']) cpSync(join(from, part), join(to, part), { recursive: true })
}
