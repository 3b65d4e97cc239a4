import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const ROOT = join(__dirname, '..', '..')

// That what is packed loads, compiles and logs people in is `npm run check:package`'s to show: it takes minutes.
test('beside what is built, the documents and the licence are packed, and nothing else', async () => {
  const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: ROOT })
  const outside = [...stdout.matchAll(/"path": "([^"]+)"/g)]
    .map(([, path = '']) => path)
    .filter((path) => !path.startsWith('dist/'))
  const documents = ['CHANGELOG.md', 'LICENSE', 'README.md', 'README.zh-CN.md', 'SECURITY.md', 'package.json']
  expect(outside.filter((path) => !/^docs\/.+\.md$/.test(path)).sort()).toEqual(documents)
  expect(outside).toContain('docs/guides/troubleshooting.md')
})
