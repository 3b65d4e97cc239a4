import type { Grant } from './ledger'
import type { EmulatorProject, EmulatorUser } from './types'

export const USERS: EmulatorUser[] = [
  { id: 'U0ZHANG001', name: '张三', email: 'zhangsan@example.com', avatar: 'https://avatars.example/zhangsan_512.png' },
  { id: 'U0ADA00002', name: 'Ada Lovelace', username: 'ada' },
  { id: 'U0OBRIEN03', name: "O'Brien <script>alert(1)</script>", email: 'obrien@example.com' },
  { id: 'U0OUYANG04', name: '欧阳若曦', email: 'ouyang@example.com', avatar: 'https://avatars.example/ouyang_512.png' },
]

export const WORKSPACES: readonly EmulatorProject[] = [
  { id: 'T0KITES001', name: 'Kites' },
  { id: 'T0HARBOUR2', name: 'Harbour' },
]
export const ENTERPRISE = { id: 'E0FLEET001', name: 'Fleet' }
export const BOT_USER = 'U0BOT00001'

/** The claims of a person in a workspace, in the id_token and at `openid.connect.userInfo`. */
export function claimsOf({ user, scope }: Grant, team: EmulatorProject): Record<string, unknown> {
  const { id, name, email, avatar } = user
  const [given_name = '', ...rest] = name.split(' ')
  return {
    sub: id,
    'https://slack.com/user_id': id,
    'https://slack.com/team_id': team.id,
    ...(scope.includes('email') && email !== undefined
      ? { email, email_verified: true, date_email_verified: 1_700_000_000 }
      : {}),
    ...(scope.includes('profile')
      ? {
          name,
          picture: avatar,
          given_name,
          family_name: rest.join(' '),
          locale: 'en-GB',
          'https://slack.com/team_name': team.name,
          'https://slack.com/team_domain': team.name.toLowerCase(),
          'https://slack.com/user_image_512': avatar,
        }
      : {}),
  }
}

/** `users.info`. */
export function memberOf({ id, name, username, email, avatar }: EmulatorUser, team: EmulatorProject): object {
  const profile = { real_name: name, display_name: username ?? name, email, image_512: avatar, team: team.id }
  return { id, team_id: team.id, name: username ?? id.toLowerCase(), real_name: name, profile, is_bot: false }
}
