import { Converter, ReflectionKind } from 'typedoc'
import usual from '../typedoc.config.js'

/** The reference as Markdown, a page for each name, of which the site is made. */
/** @type {Partial<import('typedoc').TypeDocOptions> & Partial<import('typedoc-plugin-markdown').PluginOptions>} */
export default {
  ...usual,
  entryPoints: usual.entryPoints.map((path) => `../${path}`),
  tsconfig: '../tsconfig.docs.json',
  plugin: [...usual.plugin, './node_modules/typedoc-plugin-markdown/dist/index.js', withoutInherited],
  // `npm run docs` finds a broken one; here the links to what is left out become plain text.
  validation: false,
  logLevel: 'Warn',
  out: 'reference',
  entryFileName: 'index',
  navigationJson: 'reference/navigation.json',
  hidePageHeader: true,
  hideBreadcrumbs: true,
  parametersFormat: 'table',
  propertyMembersFormat: 'table',
  classPropertiesFormat: 'table',
  interfacePropertiesFormat: 'table',
  typeAliasPropertiesFormat: 'table',
  typeDeclarationFormat: 'table',
}

/** What is inherited stands once, at the class that declares it: 25 strategies have the same thirty members. */
/** @param {import('typedoc').Application} app */
function withoutInherited(app) {
  app.converter.on(Converter.EVENT_RESOLVE_END, ({ project }) => {
    for (const owner of project.getReflectionsByKind(ReflectionKind.ClassOrInterface)) {
      for (const member of [...(owner.children ?? [])]) {
        if (member.inheritedFrom?.reflection) project.removeReflection(member)
      }
    }
  })
}
