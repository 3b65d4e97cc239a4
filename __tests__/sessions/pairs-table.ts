/** A request that works on a session, by what the app's user or the app does. */
export type Kind =
  | 'begin'
  | 'refused'
  | 'link'
  | 'change'
  | 'log-out'
  | 'destroy'
  | 'req.login'
  | 'req.logout'
  | 'page'
  | 'refresh'

/**
 * What each request does to the session of Ann, who is logged in; docs/sessions.md says it in words.
 * - `writes`: it changes the session and leaves it as it is
 * - `moves`: the session gets a new id, of the user named; the old one is nobody
 * - `ends`: nobody is logged in any more
 */
export const KINDS: Record<Kind, { does: 'writes' | 'ends' } | { does: 'moves'; to: string }> = {
  begin: { does: 'writes' },
  refused: { does: 'writes' },
  page: { does: 'writes' },
  refresh: { does: 'writes' },
  link: { does: 'moves', to: 'ann' },
  change: { does: 'moves', to: 'bob' },
  'req.login': { does: 'moves', to: 'carl' },
  'log-out': { does: 'ends' },
  destroy: { does: 'ends' },
  'req.logout': { does: 'ends' },
}

export const NAMES = Object.keys(KINDS) as Kind[] // its keys

/** Every request held, against every other that comes and goes meanwhile. */
export const PAIRS: [held: Kind, other: Kind][] = NAMES.flatMap((held) =>
  NAMES.map((other): [Kind, Kind] => [held, other]),
)

const OVER = NAMES.filter((name) => KINDS[name].does !== 'writes')

/**
 * What two processes cannot keep: the store has no call that looks and writes at once, so whatever comes between a look
 * and the write that follows it in another process is not seen. Said in SECURITY.md too. By the held request, the others.
 */
export const UNSEEN: Partial<Record<Kind, readonly Kind[]>> = {
  begin: OVER,
  refused: OVER,
  page: OVER,
  refresh: OVER,
  link: ['log-out'],
  'log-out': ['link'],
}
