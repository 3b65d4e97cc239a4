import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const ROOT = join(__dirname, '..', '..')

// That what is packed loads, compiles and logs people in is `npm run check:package`'s to show: it takes minutes.
test('beside what is built, some strategies and the templates as examples, the documents and the licence are packed, and nothing else', async () => {
  const outside = (await packed()).filter((path) => !path.startsWith('dist/'))
  const documents = ['CHANGELOG.md', 'LICENSE', 'README.md', 'README.zh-CN.md', 'SECURITY.md', 'package.json']
  const examples =
    /^(docs\/.+\.md|strategies\/[\w-]+\.ts|templates\/acme[\w.-]*\.(ts|mjs)|example-app\/(router-alone|bare-passport|many-tenants)\.ts)$/
  expect(outside.filter((path) => !examples.test(path)).sort()).toEqual(documents)
  expect(outside).toContain('docs/error-codes.md')
  expect(outside.filter((path) => path.startsWith('example-app/'))).toHaveLength(3)
})

test('the strategies in the package are those that the authors’ guide points at', async () => {
  const pages = ['docs/adding-a-provider.md', 'docs/dialects.md']
  const guide = pages.map((page) => readFileSync(join(ROOT, page), 'utf8')).join('\n')
  const table = [...guide.matchAll(/^\|[^|\n]+\|[^|\n]+\| +`(\w+\.ts)` +\|$/gm)].map(([, file]) => `strategies/${file}`)
  const named = [...guide.matchAll(/`(strategies\/[a-z]\w+\.ts)`/g)].map(([, file]) => `${file}`)
  expect(table.length).toBeGreaterThan(10)
  expect([...new Set([...table, ...named])].sort()).toEqual((await packed()).filter((path) => /^strategies/.test(path)))
})

async function packed(): Promise<string[]> {
  const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: ROOT })
  return [...stdout.matchAll(/"path": "([^"]+)"/g)].map(([, path = '']) => path).sort()
}
