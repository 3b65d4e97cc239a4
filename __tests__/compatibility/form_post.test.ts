import express from 'express'
import { agree } from '../support/plain-provider'
import { bench } from './both'

const at = bench()

/** A POST to the callback whose form has the code and the state, as `response_mode=form_post` sends it. */
async function formPost(start: typeof at.ours) {
  const parse = express.urlencoded({ extended: false })
  const host = await start({}, agree, { middleware: parse })
  const { location } = await host.visit('/login')
  return host.post('/callback', { code: 'SplxlOBeZQQYbYS6WxSbIA', state: location.searchParams.get('state') ?? '' })
}

test('differs: a callback that is posted as a form is refused', async () => {
  expect((await formPost(at.ours)).outcome).toMatchObject({
    user: false,
    info: { code: 'callback_invalid' },
    status: 400,
  })
  expect(at.provider.tokenRequests).toEqual([])
  expect((await formPost(at.theirs)).outcome?.user).toBeTruthy()
})
