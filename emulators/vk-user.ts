import type { Grant } from './ledger'

/** Splits a name: the surname comes after the first space, and may be missing. */
export function namesOf(name: string): { first_name: string; last_name: string } {
  const [first_name = '', ...rest] = name.split(' ')
  return { first_name, last_name: rest.join(' ') }
}

/**
 * The user as returned by `user_info`, with the id as text; e-mail address and phone number need their scope, and may
 * be absent.
 */
export function vkUser({ user, scope }: Grant) {
  const { id, name, avatar, email, mobile } = user
  return {
    user_id: id,
    ...namesOf(name),
    avatar: avatar ?? 'https://vk.example/images/camera_200.png',
    email: scope.includes('email') ? email : undefined,
    phone: scope.includes('phone') ? mobile : undefined,
    sex: 0,
    verified: false,
    birthday: '10.12.1990',
  }
}
