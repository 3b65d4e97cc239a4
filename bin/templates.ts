import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Form } from './project'

const FOLDER = join(dirname(require.resolve('passport-dialects/package.json')), 'templates')

/** The three files of your own provider: those of `templates/`, with its name and in the form of its project. */
export function filesOf(name: string, form: Form): { file: string; text: string }[] {
  const { language, modules, runner } = form
  const source = language === 'ts' ? 'ts' : 'mjs'
  // vitest exports its functions only as an ES module.
  const isModule = language === 'ts' || modules || runner === 'vitest'
  const ending = language === 'ts' ? 'ts' : isModule && !modules ? 'mjs' : 'js'
  const imported = language === 'js' ? `.${ending}` : modules ? '.js' : ''

  const write = (template: string, change = (text: string) => text) => {
    const text = change(readFileSync(join(FOLDER, template), 'utf8')).replace(
      /from '(\.\/[\w-]+)'/g,
      `from '$1${imported}'`,
    )
    const file = template.replace(/\.(mjs|ts)$/, `.${ending}`)
    return { file: named(file, name), text: named(isModule ? text : asCommonJS(text), name) }
  }
  return [
    write(`acme.${source}`),
    write(`acme-emulator.${source}`),
    write('acme.test.ts', (text) => under(runner, text)), // it has no types
  ]
}

/** Replaces `acme` and `Acme` with another name: `acme-corp` and `AcmeCorp`. */
function named(text: string, name: string): string {
  const pascal = name.replace(/(?:^|-)(\w)/g, (_, first: string) => first.toUpperCase())
  return text.replace(/acme/gi, (found) => (found === 'acme' ? name : pascal))
}

/** jest's functions are global; those of other frameworks are imported. */
function under(runner: Form['runner'], test: string): string {
  if (runner !== 'jest') return test.replace("'node:test'", `'${runner}'`)
  return test
    .replace(/^import .* from 'node:test'\n/, '')
    .replace(/\(\n {2}\{\n([\s\S]*)\n {2}\},\n.*\n\)/, (_, kit: string) => `({\n${kit.replace(/^ {2}/gm, '')}\n})`)
}

function asCommonJS(text: string): string {
  return text
    .replace(/^import (\{[^}]*\}) from ('[^']+')$/gm, 'const $1 = require($2)')
    .replace(/^export (class|function) (\w+)/gm, 'exports.$2 = $1 $2')
}
