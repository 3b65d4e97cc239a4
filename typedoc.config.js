const manifest = require('./package.json')

// The reference covers whatever can be imported: every entry of `exports` that has types.
const sources = Object.entries(manifest.exports)
  .map(([path, entry]) => [path, entry.types ?? entry.require?.types])
  .filter(([, types]) => types !== undefined)
  .map(([path, types]) => [path, types.replace(/^\.\/dist\//, './').replace(/\.d\.ts$/, '.ts')])
const entryPoints = sources.map(([, source]) => source)

/** TypeDoc calls a module by its file; its readers know it by what they import. */
/** @param {import('typedoc').Application} app */
function nameAsImported(app) {
  const names = new Map(
    sources.map(([path, source]) => [source.replace(/^\.\/|(\/index)?\.ts$/g, ''), manifest.name + path.slice(1)]),
  )
  app.converter.on('resolveBegin', ({ project }) => {
    for (const module of project.children ?? []) module.name = names.get(module.name) ?? module.name
  })
}

/** @type {Partial<import('typedoc').TypeDocOptions>} */
module.exports = {
  entryPoints,
  plugin: [nameAsImported],
  tsconfig: 'tsconfig.docs.json',
  out: 'reference',
  readme: 'none',
  excludeInternal: true,
  excludePrivate: true,
  excludeExternals: true,
  githubPages: false,
  disableSources: true,
  treatWarningsAsErrors: true,
  // What an exported type is made of, and nobody writes by name: the two function types, the registries' own tables, an
  // emulator's rules and its forgeries.
  intentionallyNotExported: [
    ...['Form', 'Accepted', 'LongForm', 'LongWithRequest', 'Plain', 'Full'].map((name) => `lib/verify.ts:${name}`),
    ...['CLASSES', 'StrategyConstructor'].map((name) => `lib/registry.ts:${name}`),
    ...['EMULATORS', 'OwnOptions'].map((name) => `emulators/registry.ts:${name}`),
    'emulators/definition.ts:Rules',
    'emulators/forgery.ts:ForgeryQueue',
    'emulators/types.ts:PlaceKind',
  ],
  validation: { notExported: true, invalidLink: true, notDocumented: true },
  // Members of an interface that say it all in their name may stand without words; everything else may not.
  requiredToBeDocumented: ['Class', 'Interface', 'Function', 'Variable', 'TypeAlias', 'Method', 'Accessor'],
}
