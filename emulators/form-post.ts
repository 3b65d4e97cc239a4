import { createHash } from 'node:crypto'
import { escapeHtml, page } from './page'
import type { Reply } from './reply'
import type { Texts } from './texts'

/** A callback that is posted (OAuth 2.0 Form Post Response Mode §2). */
export interface FormPost {
  /** The redirect URI. */
  url: string
  fields: Readonly<Record<string, string>>
}

/** Without scripts, the user presses the button. */
const SCRIPT = 'document.forms[0].submit()'

/** The page that posts itself to the app, from the provider's site. */
export function postingPage(provider: string, { url, fields }: FormPost, accent?: string): Reply {
  const inputs = Object.entries(fields).map(
    ([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`,
  )
  const content = (texts: Texts) => ({
    heading: texts.backToApp(provider),
    body: `<form method="post" action="${escapeHtml(url)}" id="form_post">
${inputs.join('\n')}
<button type="submit">${texts.goOn}</button>
</form>
<script>${SCRIPT}</script>`,
  })
  const reply = page(provider, content, { accent })
  const { 'content-security-policy': policy = '' } = reply.headers ?? {}
  const hash = createHash('sha256').update(SCRIPT).digest('base64')
  return {
    ...reply,
    headers: {
      ...reply.headers,
      'content-security-policy': `${policy}; script-src 'sha256-${hash}'`,
      // With `no-referrer` a browser would send `Origin: null` (Fetch Standard, "serialize a request origin").
      'referrer-policy': 'origin',
    },
  }
}

/** The form of a posting page, as a browser would read it; `undefined` for another page. */
export function formPostOf(html: string): FormPost | undefined {
  const action = /<form method="post" action="([^"]*)" id="form_post">/.exec(html)?.[1]
  if (action === undefined) return undefined
  const inputs = [...html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)">/g)]
  const fields = Object.fromEntries(inputs.map(([, name = '', value = '']) => [unescaped(name), unescaped(value)]))
  return { url: unescaped(action), fields }
}

/** The inverse of `escapeHtml`. */
function unescaped(text: string): string {
  return text.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))
}
