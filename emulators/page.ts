import { createHash } from 'node:crypto'
import type { Reply } from './reply'
import { styleOf } from './style'
import type { Texts, Why } from './texts'
import { ENGLISH } from './texts-en'
import { CHINESE } from './texts-zh'
import type { EmulatorUser } from './types'

/** A page of an emulator: says that it is one, runs no script, loads nothing. */
export function page(provider: string, content: (texts: Texts) => Content, { status = 200, accent }: Look = {}): Reply {
  const style = styleOf(accent)
  return {
    status,
    headers: headersOf(style),
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
<style>${style}</style>
</head>
<body>
<header class="note">${escapeHtml(texts.note(provider))}</header>
<main>
${accent === undefined ? '' : brand(texts.title(provider))}<h1>${escapeHtml(heading)}</h1>
${body}
</main>
</body>
</html>
`
    },
  }
}

interface Look {
  status?: number
  /** See `Consent` in consent-page.ts. */
  accent?: string | undefined
}

/** The provider's name on its colour. */
function brand(title: string): string {
  const initial = `<span aria-hidden="true">${escapeHtml([...title][0] ?? '')}</span>`
  return `<p class="brand">${initial}${escapeHtml(title)}</p>\n`
}

export interface Content {
  /** Text. */
  heading: string
  /** HTML. */
  body: string
}

/** The page that a provider shows if it cannot redirect back: for an unknown client, or a redirect URI that is not registered. */
export function errorPage(status: number, provider: string, error: string, description: string): Reply {
  return refusalPage(status, provider, error, description)
}

/** The same, for a text of ours too. */
export function refusalPage(status: number, provider: string, error: string, why: Why): Reply {
  const code = `<code>${escapeHtml(error)}</code>`
  const content = (texts: Texts) => {
    const description = typeof why === 'string' ? why : why(texts)
    const body = `<p class="error">${texts.labelled(code, escapeHtml(description))}</p>`
    return { heading: texts.refuses(provider), body }
  }
  return page(provider, content, { status })
}

/** The page for an unknown user: it lists the users. */
export function noSuchUser(status: number, provider: string, users: readonly EmulatorUser[]): Reply {
  return refusalPage(status, provider, 'user', ({ wrong }) => wrong.noUser(users.map(({ id }) => id)))
}

export function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (char) => `&#${char.charCodeAt(0)};`)
}

/** No `form-action`: browsers also apply it to redirects of the form's response, which the app decides. */
function headersOf(style: string): Record<string, string> {
  return {
    'content-security-policy': [
      "default-src 'none'",
      `style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`,
      "base-uri 'none'",
      "frame-ancestors 'none'",
    ].join('; '),
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
  }
}
