import type { Grant } from './ledger'

interface Shown {
  /** The app's consent items; others do not appear at all. */
  consentItems: readonly string[]
  emails: 'verified' | 'unverified' | 'invalid'
  /** Return https addresses of images. */
  secure: boolean
}

/**
 * A user as returned by `user/me`: what the user has not agreed to is left out, and a flag says that it needs consent.
 */
export function kakaoUser({ user, scope }: Grant, { consentItems, emails, secure }: Shown): Record<string, unknown> {
  const has = (item: string) => scope.includes(item)
  const knows = (item: string) => has(item) || consentItems.includes(item)
  const image = user.avatar ?? 'https://k.kakaocdn.example/default.jpg'
  const url = secure ? image : image.replace('https:', 'http:')
  const picture = { thumbnail_image_url: url, profile_image_url: url, is_default_image: user.avatar === undefined }
  const profile = {
    ...(has('profile_nickname') && { nickname: user.name, is_default_nickname: false }),
    ...(has('profile_image') && picture),
  }
  const email = user.email !== undefined &&
    has('account_email') && {
      is_email_valid: emails !== 'invalid',
      is_email_verified: emails === 'verified',
      email: user.email,
    }
  const account = {
    ...(knows('profile_nickname') && { profile_nickname_needs_agreement: !has('profile_nickname') }),
    ...(knows('profile_image') && { profile_image_needs_agreement: !has('profile_image') }),
    ...(Object.keys(profile).length > 0 && { profile }),
    ...(knows('account_email') && {
      has_email: user.email !== undefined,
      email_needs_agreement: !has('account_email'),
      ...email,
    }),
  }
  return {
    id: Number(user.id),
    connected_at: '2026-11-01T03:04:05Z',
    ...(has('profile_nickname') && { properties: { nickname: user.name } }),
    ...(Object.keys(account).length > 0 && { kakao_account: account }),
  }
}
