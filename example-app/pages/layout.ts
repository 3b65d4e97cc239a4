import { addressIn } from '../language'
import { escapeHtml } from './marks'
import { isEmulated, type View } from './view'

/** The frame of every page: the app's name, the languages, and the content. */
export function layout(view: View, heading: string, body: string, kind = ''): string {
  const { texts, req, emulated } = view
  const language = (lang: string, label: string) => {
    const current = texts.lang === lang ? ' aria-current="true"' : ''
    return `<a href="${escapeHtml(addressIn(lang, req))}" lang="${lang}" hreflang="${lang}"${current}>${label}</a>`
  }
  const isAll = view.providers.every((name) => isEmulated(name, emulated))
  const note = isAll ? `<footer>${texts.emulatorsNote}</footer>` : ''
  return `<!doctype html>
<html lang="${texts.lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(heading)} · passport-dialects</title>
<link rel="icon" href="/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="/style.css">
<link rel="stylesheet" href="/account.css">
<script type="module" src="/page.mjs"></script>
</head>
<body${kind && ` class="${kind}"`}>
<header class="bar"><a class="home" href="/"><img src="/icon.svg" alt="" width="24" height="24">passport-dialects</a>
<nav class="languages" aria-label="Language · 语言">${language('en', 'English')}${language('zh', '中文')}</nav></header>
<main>
${body}
</main>
${note}
</body>
</html>
`
}
