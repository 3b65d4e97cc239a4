import { createHash } from 'node:crypto'
import type { Endpoints } from './definition'

/**
 * Tells two clients of one name apart: tenants of one process share names and maybe a session. Every endpoint counts,
 * and where the API lies, for a code or token must not go to another than those its login was begun with.
 */
export function fingerprint(clientID: string, endpoints: Endpoints, api: string): string {
  const text = [clientID, ...Object.entries(endpoints).map((entry) => entry.join(' ')), api].join('\n')
  return createHash('sha256').update(text).digest('base64url').slice(0, 11)
}
