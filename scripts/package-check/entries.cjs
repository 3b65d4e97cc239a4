// Every entry loads by require and by import, the two share one copy, and an error is known to another copy.
// Arguments: the entries, then the directory of a second project with a copy of its own.
const { createRequire } = require('node:module')
const { strictEqual, notStrictEqual, deepStrictEqual, ok } = require('node:assert')

const { exports: conditions } = require('passport-dialects/package.json')

const entries = process.argv.slice(2, -1)
const foreign = createRequire(`${process.argv.at(-1)}/index.js`)

async function main() {
  for (const entry of entries) {
    const required = require(entry)
    const imported = await import(entry, entry.endsWith('.json') ? { with: { type: 'json' } } : {})
    if (entry.endsWith('.json')) {
      strictEqual(imported.default.name, 'passport-dialects')
      continue
    }
    const names = Object.keys(required).sort()
    ok(names.length > 0, `${entry} exports nothing`)
    deepStrictEqual(
      Object.keys(imported)
        .filter((name) => names.includes(name))
        .sort(),
      names,
      `${entry} by name`,
    )
    // What a browser loads too has a module of its own; everything else is one copy however it is asked for.
    if (conditions[entry.replace('passport-dialects', '.')].import) continue
    for (const name of names) strictEqual(imported[name], required[name], `${entry}: two copies of ${name}`)
  }
  const mine = require('passport-dialects').OAuthError
  const theirs = foreign('passport-dialects')
  notStrictEqual(mine, theirs.OAuthError)
  const error = refusalOf(() => new theirs.TapdStrategy({}, () => {}))
  ok(!(error instanceof mine) && mine.is(error) && error.code === 'config_invalid')
  ok(!mine.is(new Error('config_invalid')))
  console.log(`${entries.length} entries`)
}

function refusalOf(work) {
  try {
    work()
  } catch (error) {
    return error
  }
  throw new Error('nothing was refused')
}

main()
