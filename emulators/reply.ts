/** An answer: one of `json`, `html` and `location`, or an empty body. */
export interface Reply {
  status?: number
  headers?: Record<string, string>
  json?: unknown
  html?: string
  location?: string
}

/** An answer as it goes over the wire. */
export function encode(reply: Reply): { status: number; headers: Record<string, string>; body: string } {
  const { status = reply.location === undefined ? 200 : 302, headers: own = {}, location } = reply
  const headers = location === undefined ? own : { ...own, location }
  if (reply.json !== undefined) {
    const type = { 'content-type': 'application/json; charset=utf-8' }
    return { status, headers: { ...headers, ...type }, body: JSON.stringify(reply.json) }
  }
  if (reply.html === undefined) return { status, headers, body: '' }
  return { status, headers: { ...headers, 'content-type': 'text/html; charset=utf-8' }, body: reply.html }
}
