import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { EMULATOR_NAMES, startEmulator } from 'passport-dialects/emulators'
import { OWN_OPTIONS } from '../../emulators/registry'

test.each<[object, RegExp]>([
  [{ port: 'x' }, /`port` must be a whole number/],
  [{ port: -1 }, /`port` must be a whole number/],
  [{ hots: '127.0.0.1' }, /no option `hots`/],
  [{ users: 'nobody' }, /`users` must be an array/],
  [{ users: [null] }, /`users` must be an array of users/],
  [[], /the options must be an object/],
  [{ redirectURIs: ['127.0.0.1'] }, /`redirectURIs` must be an array of absolute http\(s\) addresses/],
  [{ consent: 'yes' }, /`consent` must be one of page, auto/],
  [{ accessTokenLifetime: '60' }, /`accessTokenLifetime` must be a whole number/],
  [{ onRequest: true }, /`onRequest` must be a function/],
  [{ site: 'moon' }, /`site` must be one of internal, cloud/],
  [{ refresh: 1 }, /`refresh` must be true or false/],
])('options %j are refused by name', async (options, message) => {
  await expect(startEmulator('tapd', options)).rejects.toThrow(message)
  await expect(startEmulator('tapd', options)).rejects.toThrow(TypeError)
})

test('one set of options can serve several emulators: those of others are ignored', async () => {
  const emulator = await startEmulator('tailchat', { refresh: true, apiVersion: 'v1' } as object)
  await emulator.close()
})

test('an unknown name is told the known ones', async () => {
  await expect(startEmulator('nobody' as 'tapd')).rejects.toThrow(EMULATOR_NAMES.join(', '))
})

test('the guide names every option that an emulator has of its own', () => {
  const guide = readFileSync(join(__dirname, '..', '..', 'docs', 'guides', 'testing-your-app.md'), 'utf8')
  expect(OWN_OPTIONS.size).toBeGreaterThan(60)
  expect([...OWN_OPTIONS].filter((name) => !guide.includes(`\`${name}\``))).toEqual([])
})
