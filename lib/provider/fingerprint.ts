import { createHash } from 'node:crypto'
import type { Endpoints } from './definition'

/**
 * Distinguishes clients with the same name: tenants in one process share names, and maybe a session. Every endpoint and
 * the API's address count, because a code or token must go only to those that its login was begun with.
 */
export function fingerprint(clientID: string, endpoints: Endpoints, api: string): string {
  const text = [clientID, ...Object.entries(endpoints).map((entry) => entry.join(' ')), api].join('\n')
  return createHash('sha256').update(text).digest('base64url').slice(0, 11)
}
