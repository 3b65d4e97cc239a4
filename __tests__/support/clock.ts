/** Moves the clock of this process, for app and provider; `jest.restoreAllMocks` resets it. */
export function jump(seconds: number): void {
  const now = Date.now()
  jest.spyOn(Date, 'now').mockImplementation(() => now + seconds * 1000)
}
