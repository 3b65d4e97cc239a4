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
  if (names.size < blocks.length) throw new Error('Two blocks are files of the same name in the same folder')
  const options: ts.CompilerOptions = {
    ...readOptions(),
    noEmit: true,
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
  const program = ts.createProgram([...names.keys(), dom ? AMBIENT_PAGE : AMBIENT], options, host)
  const problems = new Map<Block, string[]>(blocks.map((block) => [block, []]))
  for (const [name, block] of names) {
    const source = program.getSourceFile(name)
    if (!source) throw new Error(`${name} was not read`)
    const note = (start = 0, message: string) => {
      const { line } = source.getLineAndCharacterOfPosition(start)
      problems.get(block)?.push(`${block.file}:${block.line + line}: ${message}`)
    }
    for (const found of [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]) {
      // A block may show a name that the next one uses; a whole file may not.
      if (found.reportsUnnecessary && !isWhole(block)) continue
      note(found.start, `TS${found.code}: ${ts.flattenDiagnosticMessageText(found.messageText, '\n')}`)
    }
    if (!isWhole(block)) continue
    for (const name of ambientNames(source, program.getTypeChecker()))
      note(name.getStart(), `${name.text} is not declared`)
  }
  return problems
}

/** Each block is a module of its own, but for those that begin with the name of their file: they import each other. */
function nameOf(block: Block): string {
  const path = join(ROOT, block.file)
  if (block.file.endsWith('.ts')) return path
  const own = ownName(block)
  return own === undefined ? `${path}.L${block.line}.mts` : join(dirname(path), own)
}

function ownName({ code }: Block): string | undefined {
  return /^\/\/ (\S+\.ts)\n/.exec(code)?.[1]
}

/** A file that readers copy as it is: it stands on its own. */
function isWhole(block: Block): boolean {
  return block.file.endsWith('.ts') || ownName(block) !== undefined
}

/** What the other blocks speak of without showing it. */
const AMBIENT = join(__dirname, 'ambient.d.ts')
const AMBIENT_PAGE = join(__dirname, 'ambient-page.d.ts')

/** The names in a file that only {@link AMBIENT} declares. */
function ambientNames(source: ts.SourceFile, checker: ts.TypeChecker): ts.Identifier[] {
  const found: ts.Identifier[] = []
  const visit = (node: ts.Node) => {
    const declarations = ts.isIdentifier(node) ? checker.getSymbolAtLocation(node)?.declarations : undefined
    if (ts.isIdentifier(node) && declarations?.some((one) => one.getSourceFile().fileName === AMBIENT)) found.push(node)
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
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
