/**
 * The engine's clock, for a dialect that writes the time into a request: `yyyy-MM-dd HH:mm:ss`. Alipay.
 * @param hoursEast of Greenwich, where the provider means its own time
 */
export function localTime(hoursEast: number): string {
  const there = new Date(Date.now() + hoursEast * 3_600_000)
  return there.toISOString().slice(0, 19).replace('T', ' ')
}
