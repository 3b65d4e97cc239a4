import { readFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(__dirname, '..', '..')

const inCode = (cell = '') => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name)

/** The rows of the packages: name, and the cells after it. */
function rowsOf(text: string): { name: string; cells: string[] }[] {
  const rows = text.split('\n').filter((line) => line.startsWith('| `'))
  return rows.map((row) => {
    const [name, ...cells] = row.split('|').slice(1, -1)
    return { name: inCode(name)[0] ?? '', cells: cells.map((cell) => cell.trim()) }
  })
}

describe.each(['docs', 'docs/zh-CN'])('%s/versions.md', (docs) => {
  const { engines, peerDependencies, peerDependenciesMeta, dependencies, devDependencies } = JSON.parse(
    readFileSync(join(ROOT, 'package.json'), 'utf8'),
  )
  const text = readFileSync(join(ROOT, docs, 'versions.md'), 'utf8')
  const rows = rowsOf(text)

  test('accepts what package.json accepts', () => {
    expect(text).toMatch(new RegExp(`^\\| Node +\\| \`${engines.node}\` +\\|`, 'm'))
    for (const { name, cells } of rows) {
      const range = peerDependencies[name] ?? dependencies[name]
      expect({ name, accepts: cells[0] }).toEqual({ name, accepts: range ? `\`${range}\`` : '' })
      expect({ name, kind: cells[1] }).toEqual({ name, kind: expect.stringMatching(kindOf(name)) })
    }
  })

  test('has every peer, and what CI runs of each is what package.json installs', () => {
    expect(rows.map(({ name }) => name)).toEqual(expect.arrayContaining(Object.keys(peerDependencies)))
    for (const { name, cells } of rows) {
      const older = Object.values<string>(devDependencies).flatMap((range) =>
        range.startsWith(`npm:${name}@`) ? [range.slice(`npm:${name}@`.length)] : [],
      )
      const runs = [...older, devDependencies[name] ?? dependencies[name]]
      expect({ name, runs: inCode(cells[2]) }).toEqual({ name, runs })
    }
  })

  test('the package is checked on the versions that it says', () => {
    const check = readFileSync(join(ROOT, 'scripts', 'check-package.mjs'), 'utf8')
    const nodes = /NODES = \[(.+)\]/.exec(check)?.[1]?.split(', ') ?? []
    expect(
      /^\| Node .*/m
        .exec(text)?.[0]
        .match(/\b\d\d\b/g)
        ?.slice(-nodes.length),
    ).toEqual(nodes)
    for (const version of ['express@4.18', 'express@5', 'passport@0.6', 'passport@0.7'])
      expect(check).toContain(version)
  })

  function kindOf(name: string): RegExp {
    if (peerDependenciesMeta[name]?.optional) return /^(optional peer|可选的对等依赖)/
    if (peerDependencies[name]) return /^(peer|对等依赖)/
    return dependencies[name] ? /^(dependency|依赖)/ : /^(yours|自行)/
  }
})
