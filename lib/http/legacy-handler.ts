import type { IncomingHttpHeaders } from 'node:http'

/** Pauses and resumes a body. */
export interface Flow {
  pause(): void
  resume(): void
}

/**
 * Maps undici 6's handler methods to those of undici 7. The app's own dispatcher may be of either, also the one from
 * `getGlobalDispatcher()`.
 */
export abstract class LegacyHandler {
  private pausing: ReturnedPause | undefined

  protected abstract begin(abort: (reason: Error) => void, flow?: Flow): void
  abstract onResponseStart(controller: unknown, status: number, headers: IncomingHttpHeaders): void
  abstract onResponseData(controller: unknown, chunk: Buffer): void
  abstract onResponseEnd(): void
  abstract onResponseError(controller: unknown, error: Error): void

  onConnect(abort: (error?: Error) => void): void {
    this.pausing = new ReturnedPause()
    this.begin(abort, this.pausing)
  }

  onHeaders(status: number, raw: Buffer[], resume: () => void): boolean {
    if (this.pausing) this.pausing.go = resume
    this.onResponseStart(undefined, status, parseHeaders(raw))
    return true
  }

  onData(chunk: Buffer): boolean {
    this.onResponseData(undefined, chunk)
    return !this.pausing?.isPaused
  }

  onComplete(): void {
    this.onResponseEnd()
  }

  onError(error: Error): void {
    this.onResponseError(undefined, error)
  }
}

/** In undici 6, a handler pauses by its return value. */
class ReturnedPause implements Flow {
  isPaused = false
  go: () => void = () => {}

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    if (!this.isPaused) return
    this.isPaused = false
    this.go()
  }
}

/** Parses headers in undici 6's format. */
function parseHeaders(raw: Buffer[]): IncomingHttpHeaders {
  const headers: IncomingHttpHeaders = {}
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const [name, value] = [String(raw[i]).toLowerCase(), String(raw[i + 1])]
    const known = Object.hasOwn(headers, name) ? headers[name] : undefined
    headers[name] = known === undefined ? value : [known, value].flat()
  }
  return headers
}
