import { createHash } from 'node:crypto'

/** Modules per side, as in a small QR code. */
const SIDE = 25
const FINDER = 7

/**
 * A picture that looks like a QR code but has no content, always the same for one `seed`. Dark on white in any colour
 * scheme.
 */
export function scanCode(seed: string): string {
  const dots = createHash('shake256', { outputLength: Math.ceil((SIDE * SIDE) / 8) })
    .update(seed)
    .digest()
  let path = ''
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) {
      const at = y * SIDE + x
      const isDark = isFinder(x, y) ?? ((dots[at >> 3] ?? 0) >> (at & 7)) & 1
      if (isDark) path += `M${x} ${y}h1v1h-1z`
    }
  }
  const room = `viewBox="-3 -3 ${SIDE + 6} ${SIDE + 6}"`
  const ground = `<rect x="-3" y="-3" width="${SIDE + 6}" height="${SIDE + 6}" fill="#fff"/>`
  return `<svg aria-hidden="true" ${room} shape-rendering="crispEdges">${ground}<path fill="#18181b" d="${path}"/></svg>`
}

/** Whether a module of the three corners is dark; `undefined` elsewhere. */
function isFinder(x: number, y: number): boolean | undefined {
  const [left, top] = [x <= FINDER, y <= FINDER]
  const [right, bottom] = [x >= SIDE - FINDER - 1, y >= SIDE - FINDER - 1]
  if (!((left && (top || bottom)) || (right && top))) return undefined
  const inCorner = (at: number, isFar: boolean) => Math.abs((isFar ? SIDE - 1 - at : at) - 3)
  const ring = Math.max(inCorner(x, right), inCorner(y, bottom))
  return ring !== 2 && ring !== 4
}
