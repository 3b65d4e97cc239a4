/** Thrown by a check that was not tried, because no login of this strategy succeeds. Another check has said why. */
export class NotTried extends Error {
  override name = 'NotTried'

  constructor() {
    super('Not tried: first make a login succeed.')
    this.stack = this.message // the stack says nothing, and would appear a hundred times
  }
}
