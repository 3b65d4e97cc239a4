import { createHash } from 'node:crypto'
import type { SessionRequest } from '../session/request'
import { escapeHtml } from '../util/escape-html'
import { AGAIN } from './form'

/**
 * The page that posts a callback again, from this app's own site: browsers withhold a SameSite cookie when another site
 * posts. The parameters are in form fields, so that the code appears in no address, log or `Referer`.
 */
export interface PostingPage {
  kind: 'page'
  html: string
  headers: Readonly<Record<string, string>>
}

/** What Express adds to a request, as far as this page needs it. */
interface SpeakingRequest extends SessionRequest {
  acceptsLanguages?(languages: string[]): string | false
}

const TEXTS = {
  en: { lang: 'en', title: 'Logging in…', goOn: 'Go on', why: 'If nothing happens, press the button.' },
  zh: { lang: 'zh-CN', title: '正在登录…', goOn: '继续', why: '如果没有自动跳转，请点击按钮。' },
}

/** Constant, so that its hash is constant. Without scripts, the user presses the button. */
const SCRIPT = 'document.forms[0].submit()'
const SCRIPT_HASH = createHash('sha256').update(SCRIPT).digest('base64')

/** No `form-action`: browsers also apply it to redirects of the form's response, which the app decides. */
export function postingPage(
  req: SpeakingRequest,
  fields: readonly (readonly [name: string, value: string])[],
): PostingPage {
  const { lang, title, goOn, why } = req.acceptsLanguages?.(['en', 'zh']) === 'zh' ? TEXTS.zh : TEXTS.en
  const inputs = [...fields, [AGAIN, '1'] as const].map(
    ([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`,
  )
  return {
    kind: 'page',
    headers: {
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'content-security-policy': `default-src 'none'; script-src 'sha256-${SCRIPT_HASH}'; base-uri 'none'; frame-ancestors 'none'`,
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
      vary: 'Accept-Language',
    },
    // A form without an action posts to the page's own address, as the browser knows it behind any proxy.
    html: `<!doctype html>
<html lang="${lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
</head>
<body>
<main>
<h1>${title}</h1>
<p>${why}</p>
<form method="post">
${inputs.join('\n')}
<button type="submit">${goOn}</button>
</form>
</main>
<script>${SCRIPT}</script>
</body>
</html>
`,
  }
}

export function sendPostingPage(res: NonNullable<SessionRequest['res']>, { html, headers }: PostingPage): void {
  res.statusCode = 200
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value)
  res.end(html)
}
