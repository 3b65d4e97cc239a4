import { slug } from 'github-slugger'
import { type DefaultTheme, defineConfig } from 'vitepress'
import manifest from '../../package.json' with { type: 'json' }
import { linksOfTheSite } from './links.mjs'
import { CHINESE, gather, type Language } from './pages.mjs'
import { search } from './search.mjs'
import { pathsOfReference, sidebarOfDocs, sidebarOfReference } from './sidebar.mjs'

gather()

export default defineConfig({
  title: manifest.name,
  description: manifest.description,
  srcDir: 'pages',
  outDir: 'dist',
  // The menus of both languages are fetched once, not with every page.
  metaChunk: true,
  // Nothing is asked of the network, a missing picture of the tab neither.
  head: [['link', { rel: 'icon', href: 'data:,' }]],
  // The search's index, which is fetched at the first search alone.
  vite: { build: { chunkSizeWarningLimit: 2000 } },
  markdown: {
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    // As on GitHub and npm, for the anchors in the links are theirs.
    anchor: { slugify: slug },
    config: linksOfTheSite,
  },
  themeConfig: { search },
  locales: {
    root: {
      label: 'English',
      lang: 'en',
      themeConfig: {
        nav: navigation('', 'Documentation', 'API reference'),
        sidebar: { '/': sidebarOfDocs('', 'Project'), '/reference/': sidebarOfReference('') },
        outline: [2, 3],
      },
    },
    'zh-CN': {
      label: '中文',
      lang: 'zh-CN',
      themeConfig: {
        nav: navigation(CHINESE, '文档', 'API 参考'),
        sidebar: { '/zh-CN/': sidebarOfDocs(CHINESE, '项目'), '/zh-CN/reference/': sidebarOfReference(CHINESE) },
        outline: { level: [2, 3], label: '本页目录' },
        docFooter: { prev: '上一页', next: '下一页' },
        darkModeSwitchLabel: '外观',
        lightModeSwitchTitle: '切换到浅色',
        darkModeSwitchTitle: '切换到深色',
        sidebarMenuLabel: '目录',
        returnToTopLabel: '回到顶部',
        langMenuLabel: '切换语言',
        skipToContentLabel: '跳到正文',
        notFound: { title: '没有这一页', quote: '', linkLabel: '回到首页', linkText: '回到首页' },
      },
    },
  },
})

function navigation(language: Language, docs: string, reference: string): DefaultTheme.NavItem[] {
  return [
    { text: docs, link: `/${language}docs.html` },
    { text: reference, items: pathsOfReference(language) },
  ]
}
