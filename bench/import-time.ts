import { execFileSync } from 'node:child_process'
import { fixed, spread, table } from './numbers.js'

const SOURCES = [
  ['(node alone)', ''],
  ['express', "require('express')"],
  ['passport-oauth2', "require('passport-oauth2')"],
  ['passport-dialects', "require('passport-dialects')"],
  ['passport + passport-oauth2', "require('passport'); require('passport-oauth2')"],
  ['express + passport + passport-oauth2', "require('express'); require('passport'); require('passport-oauth2')"],
  ['express + passport + passport-dialects', "require('express'); require('passport'); require('passport-dialects')"],
  ['grant', "require('grant')"],
  ['openid-client', "import('openid-client')"],
  ['@fastify/oauth2', "require('@fastify/oauth2')"],
  ['@auth/express', "import('@auth/express')"],
  ['better-auth', "import('better-auth')"],
] as const

/** Milliseconds from the start of a fresh process to its end, for each package alone. */
export function importTimes(rounds: number): string {
  const times = new Map<string, number[]>(SOURCES.map(([name]) => [name, []]))
  for (let round = -1; round < rounds; round++) {
    for (const [name, source] of SOURCES) {
      const started = performance.now()
      try {
        execFileSync(process.execPath, ['-e', source], { cwd: import.meta.dirname, stdio: 'ignore', timeout: 20_000 })
      } catch {
        times.set(name, [])
        continue
      }
      if (round >= 0) times.get(name)?.push(performance.now() - started)
    }
  }
  const base = spread(times.get('passport-oauth2') ?? []).median
  const rows = SOURCES.map(([name]) => {
    const values = times.get(name) ?? []
    if (values.length === 0) return [name, 'not installed', '', '', '']
    const { median, min, max } = spread(values)
    return [name, fixed(median, 0), fixed(min, 0), fixed(max, 0), fixed(median - base, 0)]
  })
  return table(['import (whole process, ms)', 'median', 'min', 'max', 'over passport-oauth2'], rows)
}
