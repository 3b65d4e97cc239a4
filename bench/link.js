import { cpSync, existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'

// Our package stands beside its peers as npm would install it: built, without sources, and with one Express,
// one Passport and one undici for all. A link would bring a second copy of each from the folder above.
const root = join(import.meta.dirname, '..')
const target = join(import.meta.dirname, 'node_modules', 'passport-dialects')

if (!existsSync(join(root, 'dist'))) throw new Error('Run `npm run build` in the folder above first.')
rmSync(target, { recursive: true, force: true })
for (const part of ['package.json', 'dist']) cpSync(join(root, part), join(target, part), { recursive: true })
