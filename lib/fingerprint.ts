import { createHash } from 'node:crypto'
import type { Dialect } from './provider-dialect'

/**
 * Tells two clients of one name apart: tenants of one process share names and maybe a session. Every endpoint
 * counts, for a code or token must not go to another than those its login was begun with.
 */
export function fingerprint(clientID: string, endpoints: Dialect['endpoints']): string {
  const text = [clientID, ...Object.values(endpoints)].join('\n')
  return createHash('sha256').update(text).digest('base64url').slice(0, 11)
}
