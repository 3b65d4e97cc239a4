jest.mock('express', () => jest.requireActual('express4'))

import express from 'express'
import { startRouterApp } from '../support/app'
import { Browser, told } from '../support/browser'
import { closeAll, NAMES, providersOf, startAll } from '../support/providers'

test('this file runs on Express 4', () => {
  // Express 4 has `app.del`, which Express 5 took away.
  expect('del' in express()).toBe(true)
})

test('all five log in under Express 4', async () => {
  const emulators = await startAll()
  const app = await startRouterApp({ providers: providersOf(emulators) })
  try {
    for (const name of NAMES) {
      const browser = new Browser()
      const callback = await emulators[name].approve(await browser.location(`${app.origin}/auth/${name}?returnTo=/in`))
      expect((await browser.get(callback)).headers.get('location')).toBe('/in')
      expect((await told(browser.get(`${app.origin}/me`))).user).toMatchObject({ provider: name })
    }
    expect((await fetch(`${app.origin}/auth/%E0%A4%A`)).status).toBe(404)
  } finally {
    await app.close()
    await closeAll(emulators)
  }
})
