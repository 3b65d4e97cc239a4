import { readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import ts from 'typescript'

const ROOT = join(__dirname, '..', '..')

/** Every path that users import, and the source that it is built from. */
const ENTRY_POINTS = [
  ['passport-dialects', 'lib/index.ts'],
  ['passport-dialects/redis', 'lib/tokens/redis.ts'],
  ['passport-dialects/popup', 'popup/index.ts'],
  ['passport-dialects/emulators', 'emulators/index.ts'],
  ['passport-dialects/testing', 'testing/index.ts'],
] as const

const program = programOf(ENTRY_POINTS.map(([, file]) => join(ROOT, file)))
const checker = program.getTypeChecker()
const emitted = new Map<string, ts.SourceFile>()

function programOf(files: string[]): ts.Program {
  const path = join(ROOT, 'tsconfig.build.json')
  const { options } = ts.parseJsonConfigFileContent(ts.readConfigFile(path, ts.sys.readFile).config, ts.sys, ROOT)
  const lib = ['lib.es2023.d.ts', 'lib.dom.d.ts'] // the popup helper is for browsers
  return ts.createProgram(files, { ...options, lib, emitDeclarationOnly: true, noCheck: true })
}

/** What the compiler makes of a source file for its users. */
function declarationsOf(source: ts.SourceFile): ts.SourceFile {
  const known = emitted.get(source.fileName)
  if (known) return known
  let text = ''
  const keep: ts.WriteFileCallback = (name, content) => {
    if (name.endsWith('.d.ts')) text = content
  }
  program.emit(source, keep, undefined, true)
  const file = ts.createSourceFile(source.fileName, text, ts.ScriptTarget.ESNext, true)
  emitted.set(source.fileName, file)
  return file
}

const printer = ts.createPrinter({ removeComments: true })

/** The declarations of one name: `undefined` where they are not of this package. */
function printed(symbol: ts.Symbol): string[] {
  return (symbol.declarations ?? []).flatMap((declaration) => {
    const source = declaration.getSourceFile()
    const path = relative(ROOT, source.fileName)
    if (path.startsWith('node_modules')) return [`// of ${path.split('/')[1]}`]
    const file = declarationsOf(source)
    const own = file.statements.filter((statement) => namesOf(statement).includes(symbol.name))
    // The type of what is private is not in it, and nobody can name it.
    return own.map((statement) =>
      printer.printNode(ts.EmitHint.Unspecified, statement, file).replace(/^ +(private |#private).*\n/gm, ''),
    )
  })
}

function namesOf(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement)) return statement.declarationList.declarations.map(({ name }) => name.getText())
  const { name } = statement as { name?: ts.Node } // a declaration's
  return name ? [name.getText()] : []
}

/** The class that it extends, where users get that class's members without being able to import it. */
function hiddenBase(symbol: ts.Symbol): ts.Symbol | undefined {
  const [declaration] = symbol.declarations ?? []
  if (!declaration || !ts.isClassDeclaration(declaration)) return undefined
  const base = declaration.heritageClauses?.find(({ token }) => token === ts.SyntaxKind.ExtendsKeyword)?.types[0]
  const found = base && checker.getSymbolAtLocation(base.expression)
  return found && found.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(found) : found
}

/** Everything that an entry point exports, by name, with what it looks like to the compiler. */
function exportsOf(file: string): string {
  const source = program.getSourceFile(join(ROOT, file))
  const module = source && checker.getSymbolAtLocation(source)
  if (!module) throw new Error(`${file} is no module.`)
  const found = new Map<string, string>()
  const add = (name: string, symbol: ts.Symbol) => {
    const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
    if (found.has(name)) return
    const text = [...new Set(printed(target))].join('\n')
    if (text.startsWith('// of ')) return
    found.set(name, text)
    const base = hiddenBase(target)
    if (base && base.name !== 'default') add(base.name, base)
  }
  for (const symbol of checker.getExportsOfModule(module)) add(symbol.name, symbol)
  return [...found]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, text]) => `// ${name}\n${text}`)
    .join('\n\n')
}

test('every path that the package exports is looked at', () => {
  const manifest: { exports: object } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8'))
  const paths = Object.keys(manifest.exports).filter((path) => path !== './package.json')
  expect(ENTRY_POINTS.map(([name]) => name.replace('passport-dialects', '.'))).toEqual(paths)
})

// A change of what users import or type is seen here before they see it. Meant: `npx jest __tests__/types -u`.
test.each(ENTRY_POINTS)('%s declares what it did', (_name, file) => {
  expect(exportsOf(file)).toMatchSnapshot()
})
