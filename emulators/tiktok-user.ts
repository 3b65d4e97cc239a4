import { hex } from './ledger'
import type { EmulatorUser } from './types'

/** All that TikTok knows of a user; a `union_id` is one developer's, an `open_id` one app's. */
export function userFields({ id, name, username, avatar }: EmulatorUser): Record<string, unknown> {
  return {
    open_id: id,
    union_id: `union${id}`,
    display_name: name,
    avatar_url: avatar,
    avatar_url_100: avatar,
    avatar_large_url: avatar,
    username,
    is_verified: false,
    follower_count: 3,
  }
}

/** The number that TikTok gives to each of its answers. */
export function logId(): string {
  return `2026112100000001${hex(9).toUpperCase()}`
}
