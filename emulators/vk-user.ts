import type { Grant } from './ledger'

/** A name in two: a surname is what stands after the first space, and may be missing. */
export function namesOf(name: string): { first_name: string; last_name: string } {
  const [first_name = '', ...rest] = name.split(' ')
  return { first_name, last_name: rest.join(' ') }
}

/** The user by `user_info`, whose id is text here; an address and a number only with their scope, and where there is one. */
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
