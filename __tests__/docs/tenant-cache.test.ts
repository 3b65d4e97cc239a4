import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Providers } from 'passport-dialects'
import ts from 'typescript'

/** The cache that a guide shows, over a database that answers for every host. */
function cacheOf(page: string) {
  const text = readFileSync(join(__dirname, '..', '..', 'docs', page), 'utf8')
  const block = [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = '']) => code)
  const code = block.find((code) => code.includes('const cache')) ?? ''
  const { outputText } = ts.transpileModule(code, { compilerOptions: { module: ts.ModuleKind.CommonJS } })
  const loaded: string[] = []
  const load = async (host: string): Promise<Providers> => {
    loaded.push(host)
    if (host === 'down.example.com') throw new Error('the database is down')
    return {}
  }
  const body = `${outputText}; return { cache, providersOf }`
  const run = new Function('require', 'exports', 'app', 'loadTenant', body) // the page's code, as it stands
  const shown: { cache: Map<string, unknown>; providersOf(req: { hostname: string }): Promise<Providers> } = run(
    () => ({ oauthRouter: () => {} }),
    {},
    { use() {} },
    load,
  )
  return { ...shown, loaded }
}

describe.each(['guides/many-tenants.md', 'zh-CN/guides/many-tenants.md'])('the cache of tenants in %s', (page) => {
  test('control: a tenant is loaded once, and again after a failure', async () => {
    const { cache, providersOf, loaded } = cacheOf(page)
    for (const _ of [1, 2, 3]) await providersOf({ hostname: 'red.example.com' })
    expect(loaded).toEqual(['red.example.com'])
    for (const _ of [1, 2]) await providersOf({ hostname: 'down.example.com' }).catch(() => {})
    expect(loaded.slice(1)).toEqual(['down.example.com', 'down.example.com'])
    expect([...cache.keys()]).toEqual(['red.example.com'])
  })

  test('does not grow with the host names that somebody invents', async () => {
    const { cache, providersOf } = cacheOf(page)
    for (let at = 0; at < 5000; at++) await providersOf({ hostname: `${at}.example.com` })
    expect(cache.size).toBeLessThanOrEqual(1000)
    expect(cache.has('4999.example.com')).toBe(true)
  })
})
