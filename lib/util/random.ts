import { randomFillSync } from 'node:crypto'

/**
 * `bytes` bytes from the system's random source, as base64url (RFC 6749 §10.10). They are drawn by the page, which
 * takes a tenth of the time (docs/performance.md). No byte is given out twice, and none stays behind.
 */
export function randomText(bytes: number): string {
  if (used + bytes > page.length) {
    randomFillSync(page)
    used = 0
  }
  const end = used + bytes
  const text = page.toString('base64url', used, end)
  page.fill(0, used, end)
  used = end
  return text
}

/** 43 random letters and digits, of more than 250 bits: some providers refuse a state that has anything else in it. */
export function randomState(): string {
  return randomText(32).replace(/[-_]/g, (mark) => (mark === '-' ? 'y' : 'z'))
}

const page = Buffer.alloc(4096)
let used = page.length
