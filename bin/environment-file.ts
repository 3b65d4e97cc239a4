import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { quoted } from './environment-lines'

/**
 * Checks that `file` can be written and has no value of `names` yet. Returns a function that writes them and leaves
 * everything else in the file unchanged, its line ends too. After that, only the owner can read the file (mode 600).
 * The file is read and checked again right before it is written: something else may have changed it.
 *
 * @param force replace existing values
 * @throws Error if the file cannot be written, or has a value; so does the function
 */
export function writeEnvironment<Name extends string>(
  file: string,
  names: readonly Name[],
  force: boolean,
): (values: Record<Name, string>) => void {
  const handle = openSync(file, 'a+', 0o600)
  try {
    if (!fstatSync(handle).isFile()) throw new Error(`${file} is no file.`)
  } finally {
    closeSync(handle)
  }
  const target = realpathSync(file) // a link stays one
  const isOf = (line: string) => names.some((name) => new RegExp(`^\\s*(export\\s+)?${name}\\s*=`).test(line))
  const current = () => {
    const lines = linesOf(existsSync(target) ? readFileSync(target, 'utf8') : '')
    if (!force && lines.some((line) => isOf(line) && !/^[^=]*=\s*(?:""|'')?\s*$/.test(line))) {
      throw new Error(`${file} has ${names.join(' or ')} already. Say --force to replace it.`)
    }
    return lines
  }
  current()
  return (values) => {
    const lines = current()
    const end = lines.some((line) => line.endsWith('\r\n')) ? '\r\n' : '\n'
    const kept = lines.filter((line) => !isOf(line))
    while (/^\r?\n$/.test(kept.at(-1) ?? '')) kept.pop()
    const last = kept.pop()
    if (last !== undefined) kept.push(last.endsWith('\n') ? last : last + end)
    replace(target, [...kept, ...names.map((name) => `${name}=${quoted(values[name])}${end}`)].join(''))
  }
}

/** The lines of a text, each with its end. */
function linesOf(text: string): string[] {
  return text.match(/[^\n]*\n|[^\n]+$/g) ?? []
}

/** Replaces a file in one step: a half-written file would lose its content. */
function replace(file: string, text: string): void {
  const next = `${file}.${randomBytes(6).toString('hex')}.tmp`
  try {
    writeFileSync(next, text, { mode: 0o600, flag: 'wx' })
    chmodSync(next, 0o600)
    renameSync(next, file)
  } catch {
    // Its folder takes no other file, or it is mounted by itself.
    rmSync(next, { force: true })
    writeFileSync(file, text)
    chmodSync(file, 0o600)
  }
}
