import { chmodSync, closeSync, fstatSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
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
  const lines = readFileSync(file, 'utf8').split(/\r?\n/)
  const isOf = (line: string) => names.some((name) => new RegExp(`^\\s*(export\\s+)?${name}\\s*=`).test(line))
  if (!force && lines.some((line) => isOf(line) && !/=\s*$/.test(line))) {
    throw new Error(`${file} has ${names.join(' or ')} already. Say --force to replace it.`)
  }
  return (values) => {
    const kept = lines.filter((line) => !isOf(line))
    while (kept.at(-1) === '') kept.pop()
    const text = [...kept, ...names.map((name) => `${name}=${quoted(values[name])}`), ''].join('\n')
    // Replaced in one step: a half-written file would lose its content.
    const next = `${file}.${process.pid}.tmp`
    writeFileSync(next, text, { mode: 0o600, flag: 'wx' })
    chmodSync(next, 0o600)
    renameSync(next, file)
  }
}
