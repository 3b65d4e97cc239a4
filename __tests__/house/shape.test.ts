import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, posix, sep } from 'node:path'

const ROOT = join(__dirname, '..', '..')

/** The rooms that are built, and those that are read as an example or run as a proof. */
const BUILT: string[] = JSON.parse(readFileSync(join(ROOT, 'tsconfig.build.json'), 'utf8')).include
const READ = [...BUILT, 'example-app', '__tests__', 'scripts', 'bench', 'site']

const MOST_LINES = 300

function filesOf(rooms: readonly string[], pattern: RegExp): Map<string, string> {
  const found = rooms
    .filter((room) => existsSync(join(ROOT, room)))
    .flatMap((room) =>
      readdirSync(join(ROOT, room), { recursive: true, encoding: 'utf8' }).map((file) => join(room, file)),
    )
    .map((file) => file.split(sep).join('/'))
    .filter((file) => pattern.test(file) && !/(^|\/)(node_modules|dist)\//.test(file))
  return new Map(found.map((file) => [file, readFileSync(join(ROOT, file), 'utf8')]))
}

/** Which file imports which, types included: what is only a type today is a value after the next edit. */
function importGraph(sources: ReadonlyMap<string, string>): Map<string, string[]> {
  const graph = new Map<string, string[]>()
  for (const [file, text] of sources) {
    const named = [...text.matchAll(/(?:\bfrom|\bimport)\s*\(?\s*'(\.[^']+)'/g)].map(([, path = '']) => path)
    const targets = named.map((path) => {
      const target = posix.normalize(posix.join(dirname(file), path))
      return [`${target}.ts`, `${target}/index.ts`, target].find((candidate) => sources.has(candidate))
    })
    graph.set(
      file,
      targets.filter((target) => target !== undefined),
    )
  }
  return graph
}

/** The first way from a file back to itself. */
function cycleIn(graph: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>()
  const visit = (file: string, trail: readonly string[]): string[] | undefined => {
    const at = trail.indexOf(file)
    if (at >= 0) return [...trail.slice(at), file]
    if (done.has(file)) return undefined
    for (const next of graph.get(file) ?? []) {
      const cycle = visit(next, [...trail, file])
      if (cycle) return cycle
    }
    done.add(file)
    return undefined
  }
  for (const file of graph.keys()) {
    const cycle = visit(file, [])
    if (cycle) return cycle
  }
  return undefined
}

test('no file of the package, nor of the example that people copy, imports itself by way of others', () => {
  const graph = importGraph(filesOf([...BUILT, 'example-app'], /\.ts$/))
  // The graph is whole: what users import reaches every strategy, and a dialect reaches the engine.
  expect(graph.get('lib/registry.ts')?.filter((file) => file.startsWith('strategies/')).length).toBeGreaterThan(4)
  expect(graph.get('lib/dialect.ts')).toContain('lib/strategy.ts')
  expect(graph.get('example-app/app.ts')).toContain('example-app/options.ts')
  expect(cycleIn(graph)).toBeUndefined()
})

test('a cycle would be found', () => {
  const sources = new Map([
    ['lib/a.ts', "import { b } from './b'"],
    ['lib/b.ts', "export type { C } from './deep/c'"],
    ['lib/deep/c.ts', "const a = await import('../a')"],
  ])
  expect(cycleIn(importGraph(sources))).toEqual(['lib/a.ts', 'lib/b.ts', 'lib/deep/c.ts', 'lib/a.ts'])
})

test('a file of more than 300 lines says at its top why', () => {
  const long = [...filesOf(READ, /\.(ts|mjs|js)$/)]
    .filter(([, text]) => text.trimEnd().split('\n').length > MOST_LINES)
    .filter(([, text]) => !/^\/\/ Over 300 lines because \S/m.test(text.split('\n').slice(0, 5).join('\n')))
  expect(long.map(([file]) => file)).toEqual([])
})
