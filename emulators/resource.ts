import type { Call, Provider, Reply, Route } from './server'

/**
 * An API of every emulator that no provider documents. It responds to any method with the caller and what arrived, or
 * refuses the token in the provider's words. For tests of calls after a login.
 */
export function resourceRoutes({ holder }: Provider): Route[] {
  if (!holder) return []
  const handle = (call: Call): Reply => {
    const held = holder(call)
    if (!('user' in held)) return held
    const { method, path, query, headers, body } = call
    const type = headers['content-type']
    return {
      json: { user: held.user.id, scope: held.scope, method, path, query: Object.fromEntries(query), type, body },
    }
  }
  return [{ method: '*', path: '/emulator/resource', endpoint: 'request', handle }]
}
