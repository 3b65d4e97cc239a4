const manifest = require('./package.json')

// The reference covers whatever can be imported: every entry of `exports` that has types.
const entryPoints = Object.values(manifest.exports)
  .map((entry) => entry.types ?? entry.require?.types)
  .filter((types) => types !== undefined)
  .map((types) => types.replace(/^\.\/dist\//, './').replace(/\.d\.ts$/, '.ts'))

/** @type {Partial<import('typedoc').TypeDocOptions>} */
module.exports = {
  entryPoints,
  tsconfig: 'tsconfig.docs.json',
  out: 'reference',
  readme: 'none',
  excludeInternal: true,
  excludePrivate: true,
  excludeExternals: true,
  githubPages: false,
  disableSources: true,
  treatWarningsAsErrors: true,
  // What the two function types are made of: nobody writes one of these.
  intentionallyNotExported: ['Form', 'Accepted', 'LongForm', 'LongWithRequest', 'Plain', 'Full'].map(
    (name) => `lib/verify.ts:${name}`,
  ),
  validation: { notExported: true, invalidLink: true, notDocumented: true },
  // Members of an interface that say it all in their name may stand without words; everything else may not.
  requiredToBeDocumented: ['Class', 'Interface', 'Function', 'Variable', 'TypeAlias', 'Method', 'Accessor'],
}
