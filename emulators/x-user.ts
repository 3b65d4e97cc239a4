import type { Grant } from './ledger'
import { type Reply, repeated } from './server'
import { apiWords } from './x-words'

/** The fields that `user.fields` may name; an emulator's user has only some of them. */
const FIELDS = [
  'affiliation',
  'confirmed_email',
  'connection_status',
  'created_at',
  'description',
  'entities',
  'id',
  'is_identity_verified',
  'location',
  'most_recent_tweet_id',
  'name',
  'parody',
  'pinned_tweet_id',
  'profile_banner_url',
  'profile_image_url',
  'protected',
  'public_metrics',
  'receives_your_dm',
  'subscription',
  'subscription_type',
  'url',
  'username',
  'verified',
  'verified_followers_count',
  'verified_type',
  'withheld',
]

/** The fields that a profile request names besides the usual three, or the members of its refusal. */
export function xFields(query: URLSearchParams): string[] | { errors: object[] } {
  const wrong = (name: string, message: string) => ({
    errors: [{ parameters: { [name]: query.getAll(name) }, message }],
  })
  const twice = repeated(query)
  if (twice) return wrong(twice, `The query parameter [${twice}] may be given once.`)
  const unknown = [...query.keys()].find((name) => !['user.fields', 'expansions', 'tweet.fields'].includes(name))
  if (unknown)
    return wrong(unknown, `The query parameter [${unknown}] is not one of [expansions,tweet.fields,user.fields]`)
  const fields = query.get('user.fields')?.split(',') ?? []
  const strange = fields.find((field) => !FIELDS.includes(field))
  if (strange === undefined) return fields
  const known = FIELDS.join(',')
  return wrong('user.fields', `The \`user.fields\` query parameter value [${strange}] is not one of [${known}]`)
}

interface Shown {
  requestEmail?: boolean
  problems?: 'beside' | 'instead'
  idType?: 'text' | 'number'
}

/**
 * The user in its envelope, without fields that were not requested, and without an e-mail address that is not allowed.
 */
export function profileReply({ user, scope }: Grant, fields: readonly string[], options: Shown): Reply {
  const { id, name, username, avatar, email } = user
  const tellsEmail = scope.includes('users.email') && (options.requestEmail ?? true)
  const known: Record<string, unknown> = {
    id,
    name,
    username: username ?? `user_${id}`.slice(0, 15),
    profile_image_url: avatar ?? 'https://abs.twimg.example/sticky/default_profile_images/default_profile_normal.png',
    confirmed_email: tellsEmail ? email : undefined,
    created_at: '2022-03-05T00:00:00.000Z',
    description: '',
    protected: false,
    verified: false,
    verified_type: 'none',
  }
  const shown = Object.entries(known).filter(
    ([field]) => ['id', 'name', 'username'].includes(field) || fields.includes(field),
  )
  const json = {
    data: options.problems === 'instead' ? undefined : Object.fromEntries(shown),
    ...(options.problems && apiWords(200, undefined)),
  }
  if (options.idType !== 'number') return { json }
  // `JSON.stringify` cannot write numbers of more than 53 bits.
  return { json, write: (value) => JSON.stringify(value).replace(/"id":"(\d+)"/, '"id":$1') }
}
