import type { DefaultTheme } from 'vitepress'

/**
 * What the search takes for words: what stands between spaces and punctuation, as usual; a name such as `redirect_uri`,
 * whole and in its parts; of Chinese, which has no spaces, every two characters that follow each other. The browser gets
 * this function as text: it uses nothing from outside.
 */
function wordsOf(text: string): string[] {
  const runs = text.match(/\p{Script=Han}+|[^\p{Script=Han}\p{Z}\p{P}\s]+(?:_+[^\p{Script=Han}\p{Z}\p{P}\s]+)*/gu) ?? []
  return runs.flatMap((run) => {
    if (run.includes('_')) return [run, ...run.split(/_+/)]
    if (run.length < 2 || !/\p{Script=Han}/u.test(run)) return [run]
    return Array.from({ length: run.length - 1 }, (_, at) => run.slice(at, at + 2))
  })
}

export const search: DefaultTheme.Config['search'] = {
  provider: 'local',
  options: {
    miniSearch: {
      options: { tokenize: wordsOf },
      // The guides say what to do: they come before the reference.
      searchOptions: { combineWith: 'AND', boostDocument: (id) => (/\breference\//.test(id) ? 0.4 : 1) },
    },
    locales: {
      'zh-CN': {
        translations: {
          button: { buttonText: '搜索', buttonAriaLabel: '搜索' },
          modal: {
            displayDetails: '显示详情',
            resetButtonTitle: '清空',
            backButtonTitle: '返回',
            noResultsText: '没有结果：',
            footer: {
              selectText: '打开',
              selectKeyAriaLabel: '回车键',
              navigateText: '上下选择',
              navigateUpKeyAriaLabel: '上方向键',
              navigateDownKeyAriaLabel: '下方向键',
              closeText: '关闭',
              closeKeyAriaLabel: 'Esc 键',
            },
          },
        },
      },
    },
  },
}
