import { hex } from './ledger'
import type { EmulatorUser } from './types'

/** All of a user's fields; a `union_id` belongs to one developer, an `open_id` to one app. */
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

/** The id in each response of TikTok. */
export function logId(): string {
  return `2026112100000001${hex(9).toUpperCase()}`
}
