import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  closeSync,
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
 * everything else in the file unchanged. After that, only the owner can read the file (mode 600).
 *
 * @param force replace existing values
 * @throws Error if the file cannot be written, or has a value
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
  const lines = readFileSync(target, 'utf8').split(/\r?\n/)
  const isOf = (line: string) => names.some((name) => new RegExp(`^\\s*(export\\s+)?${name}\\s*=`).test(line))
  if (!force && lines.some((line) => isOf(line) && !/^[^=]*=\s*(?:""|'')?\s*$/.test(line))) {
    throw new Error(`${file} has ${names.join(' or ')} already. Say --force to replace it.`)
  }
  return (values) => {
    const kept = lines.filter((line) => !isOf(line))
    while (kept.at(-1) === '') kept.pop()
    const text = [...kept, ...names.map((name) => `${name}=${quoted(values[name])}`), ''].join('\n')
    replace(target, text)
  }
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
