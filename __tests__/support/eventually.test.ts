import { eventually } from './eventually'

test('what comes about in its own time is waited for, and handed on', async () => {
  let looks = 0
  const seen = await eventually(() => {
    looks++
    if (looks < 3) throw new Error('not yet')
    return `seen at look ${looks}`
  })
  expect(seen).toBe('seen at look 3')
})

test('a look may take its own time too', async () => {
  let open = 2
  expect(await eventually(async () => expect(await Promise.resolve(open--)).toBe(0))).toBeUndefined()
})

test('what never comes about fails after the bound, with the last thing seen', async () => {
  let open = 0
  const started = performance.now()
  const failure = await eventually(() => expect({ open: ++open }).toEqual({ open: -1 }), 100).catch((error) => error)
  expect(performance.now() - started).toBeGreaterThan(99)
  expect(open).toBeGreaterThan(1)
  expect(failure.message).toContain('Not within 100 ms')
  expect(failure.message).toContain(`"open": ${open}`)
  expect(failure.cause.message).toContain('toEqual')
})

test('a look that comes to no end fails after the bound, with what was seen before it', async () => {
  let looks = 0
  const stuck = () => (looks++ === 0 ? Promise.reject(new Error('two windows')) : new Promise(() => {}))
  await expect(eventually(stuck, 100)).rejects.toThrow(/^Not within 100 ms.*two windows$/)
  await expect(eventually(() => new Promise(() => {}), 50)).rejects.toThrow(/^Not within 50 ms.*came to an end$/)
})

test('a clock that a test lets jump does not shorten the bound', async () => {
  let looks = 0
  const now = jest.spyOn(Date, 'now').mockImplementation(() => 1e15 * ++looks)
  try {
    await eventually(() => expect(Date.now()).toBeGreaterThan(2.5e15), 5000)
  } finally {
    now.mockRestore()
  }
})
