import { randomFillSync } from 'node:crypto'

/**
 * `bytes` bytes from the system's random source, as base64url (RFC 6749 §10.10). They are drawn a page at a time, which
 * takes a tenth of the time (docs/performance.md). No byte is used twice or stays in the page.
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

/** 43 random letters and digits, with more than 250 bits: some providers refuse a state with other characters. */
export function randomState(): string {
  return randomText(32).replace(/[-_]/g, (mark) => (mark === '-' ? 'y' : 'z'))
}

const page = Buffer.alloc(4096)
let used = page.length
