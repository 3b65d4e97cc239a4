/** Text that is script, or breaks out into it, wherever a page shows it as it came. */
export const SCRIPTS: readonly string[] = [
  '<script>alert(1)</script>',
  '</title><script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "'><svg onload=alert(1)>",
  '" autofocus onfocus=alert(1) x="',
  "' onmouseover='alert(1)",
  '</style><iframe srcdoc="&lt;script&gt;alert(1)&lt;/script&gt;">',
  '<a href="javascript:alert(1)">x</a>',
  '<!--><script>alert(1)//-->',
  '<math><mtext></p><script>alert(1)</script>',
  '{{constructor.constructor("alert(1)")()}}<b>',
  'x\u2028<meta http-equiv=refresh content="0;url=javascript:alert(1)">',
]

/**
 * The tags of a page with their attributes' names, and the schemes of its addresses: what a browser would act on.
 * Two pages of one template have the same, unless some text became markup.
 */
export function shapeOf(html: string): string[] {
  return [...html.matchAll(/<[!/]?[a-z][^>]*>|<!--/gi)].map(([tag]) => {
    const names = [...tag.matchAll(/\s([^\s"'<>/=]+)(?:\s*=\s*("[^"]*"|'[^']*'|[^\s"'=<>`]+))?/g)]
    const attributes = names.map(([, name = '', value = '']) =>
      /^(href|src|action|formaction)$/i.test(name) ? `${name}:${schemeOf(value)}` : name,
    )
    return [/^<[!/]?[\w-]*/.exec(tag)?.[0], ...attributes].join(' ').toLowerCase()
  })
}

function schemeOf(value: string): string {
  const text = value.replace(/^["']|["']$/g, '').replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))
  return /^\s*[a-z][a-z0-9+.-]*:/i.exec(text)?.[0].trim() ?? 'path'
}
