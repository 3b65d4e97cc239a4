import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'

const ROOT = join(__dirname, '..', '..')
const FILES = readdirSync(__dirname).filter((file) => file.endsWith('.types.ts'))

// `npm run types` compiles these files too; here the types that users get are a part of the tests.
test('what users write gets its types, and their slips are errors where they stand', () => {
  const { config } = ts.readConfigFile(join(ROOT, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, ROOT)
  const program = ts.createProgram(
    FILES.map((file) => join(__dirname, file)),
    { ...options, noEmit: true },
  )
  const problems = FILES.flatMap((file) => {
    const source = program.getSourceFile(join(__dirname, file))
    return program.getSemanticDiagnostics(source).map(({ start = 0, messageText }) => {
      const line = source?.getLineAndCharacterOfPosition(start).line ?? 0
      return `${file}:${line + 1}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`
    })
  })
  expect(problems).toEqual([])
  expect(FILES.length).toBeGreaterThan(0)
}, 60_000)
