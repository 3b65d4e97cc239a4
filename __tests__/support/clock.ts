/** Lets the clock of this process, app and provider alike, jump; `jest.restoreAllMocks` sets it right. */
export function jump(seconds: number): void {
  const now = Date.now()
  jest.spyOn(Date, 'now').mockImplementation(() => now + seconds * 1000)
}
