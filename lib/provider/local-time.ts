/**
 * The current time as `yyyy-MM-dd HH:mm:ss`, for a dialect that sends it in a request. Alipay.
 * @param hoursEast the provider's time zone, in hours east of UTC
 */
export function localTime(hoursEast: number): string {
  const there = new Date(Date.now() + hoursEast * 3_600_000)
  return there.toISOString().slice(0, 19).replace('T', ' ')
}
