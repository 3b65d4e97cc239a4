import http from 'node:http'

export interface RawAnswer {
  status: number
  location: string | undefined
  text: string
}

/** A GET with the request target and the headers as they stand: `fetch` would tidy both up. */
export function rawGet(origin: string, target: string, headers: http.OutgoingHttpHeaders = {}): Promise<RawAnswer> {
  const { hostname, port } = new URL(origin)
  return new Promise((resolve, reject) => {
    const request = http.request({ hostname, port, path: target, headers, agent: false }, (answer) => {
      let text = ''
      answer.setEncoding('utf8').on('data', (chunk) => {
        text += chunk
      })
      answer.on('end', () => resolve({ status: answer.statusCode ?? 0, location: answer.headers.location, text }))
    })
    request.on('error', reject).end()
  })
}
