import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ts from 'typescript'
import { type Block, ROOT } from './markdown'

/** A source file as one block, compiled where it is. */
export function wholeFile(file: string): Block {
  return { file, line: 1, language: 'ts', code: readFileSync(join(ROOT, file), 'utf8'), marks: [] }
}

/** What the compiler holds against the blocks: `docs/page.md:12: message`, by block. */
export function compileBlocks(blocks: readonly Block[], { dom }: { dom: boolean }): Map<Block, string[]> {
  const names = new Map(blocks.map((block) => [nameOf(block), block]))
  const options: ts.CompilerOptions = {
    ...readOptions(),
    noEmit: true,
    // A block may show a name that the next one uses.
    noUnusedLocals: false,
    noUnusedParameters: false,
    types: dom ? [] : ['node'],
    ...(dom && { lib: ['lib.es2023.d.ts', 'lib.dom.d.ts', 'lib.dom.iterable.d.ts'] }),
  }
  const host = ts.createCompilerHost(options)
  const { fileExists, readFile, getSourceFile } = host
  host.fileExists = (name) => names.has(name) || fileExists(name)
  const sourceOf = (name: string) => {
    const block = names.get(name)
    return block && `${block.code}\nexport {}\n`
  }
  host.readFile = (name) => sourceOf(name) ?? readFile(name)
  host.getSourceFile = (name, ...rest) => {
    const source = sourceOf(name)
    if (source !== undefined) return ts.createSourceFile(name, source, rest[0])
    const known = parsed.get(name) ?? getSourceFile(name, ...rest)
    parsed.set(name, known)
    return known
  }
  const ambient = dom ? [] : [join(__dirname, 'ambient.d.ts')]
  const program = ts.createProgram([...names.keys(), ...ambient], options, host)
  const problems = new Map<Block, string[]>(blocks.map((block) => [block, []]))
  for (const [name, block] of names) {
    const source = program.getSourceFile(name)
    if (!source) throw new Error(`${name} was not read`)
    for (const found of [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]) {
      const { line } = source.getLineAndCharacterOfPosition(found.start ?? 0)
      const message = ts.flattenDiagnosticMessageText(found.messageText, '\n')
      problems.get(block)?.push(`${block.file}:${block.line + line}: TS${found.code}: ${message}`)
    }
  }
  return problems
}

/** Each block is a module of its own, but for those that begin with the name of their file: they import each other. */
function nameOf({ file, line, code }: Block): string {
  const path = join(ROOT, file)
  if (file.endsWith('.ts')) return path
  const [, own] = /^\/\/ (\S+\.ts)\n/.exec(code) ?? []
  return own === undefined ? `${path}.L${line}.mts` : join(dirname(path), own)
}

/** What is no block is the same in each compilation. */
const parsed = new Map<string, ts.SourceFile | undefined>()

/** The project's own options, so that `passport-dialects` means its sources. */
function readOptions(): ts.CompilerOptions {
  const file = join(ROOT, 'tsconfig.json')
  const { config, error } = ts.readConfigFile(file, ts.sys.readFile)
  if (error) throw new Error(ts.flattenDiagnosticMessageText(error.messageText, '\n'))
  return ts.parseJsonConfigFileContent(config, ts.sys, ROOT).options
}
