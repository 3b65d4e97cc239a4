import { createHash } from 'node:crypto'
import type { Reply } from './reply'
import { STYLE } from './style'
import type { Texts } from './texts'
import { ENGLISH } from './texts-en'
import { CHINESE } from './texts-zh'

/** A page of an emulator: says that it is one, runs no script, loads nothing. */
export function page(provider: string, content: (texts: Texts) => Content, status = 200): Reply {
  return {
    status,
    headers: HEADERS,
    html: (language) => {
      const texts = language === 'zh' ? CHINESE : ENGLISH
      const { heading, body } = content(texts)
      return `<!doctype html>
<html lang="${texts.language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escapeHtml(`${heading} · ${texts.emulator(provider)}`)}</title>
<style>${STYLE}</style>
</head>
<body>
<header class="note">${escapeHtml(texts.note(provider))}</header>
<main>
<h1>${escapeHtml(heading)}</h1>
${body}
</main>
</body>
</html>
`
    },
  }
}

export interface Content {
  /** Text. */
  heading: string
  /** HTML. */
  body: string
}

/** What a provider shows where it can't redirect back: an unknown client, a foreign redirect address. */
export function errorPage(status: number, provider: string, error: string, description: string): Reply {
  const code = `<code>${escapeHtml(error)}</code>`
  const say = (texts: Texts) => `<p class="error">${texts.labelled(code, escapeHtml(description))}</p>`
  return page(provider, (texts) => ({ heading: texts.refuses(provider), body: say(texts) }), status)
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
}

/** No `form-action`: browsers apply it to where a form's answer redirects too, and that is the app's own affair. */
const HEADERS = {
  'content-security-policy': [
    "default-src 'none'",
    `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; '),
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
}
