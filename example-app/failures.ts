import { inspect } from 'node:util'
import type { NextFunction, Request, Response } from 'express'
import { textsFor } from './language'

/** Prints an error in one line, unless the user or the browser caused it. An OAuthError shows no secret. */
export function logError(error: unknown): void {
  if (statusOf(error) >= 500) console.error(inspect(error).replace(/\s+/g, ' '))
}

/** Answers an error that no route has answered. Express would show the browser its stack. */
export function answerError(error: unknown, req: Request, res: Response, next: NextFunction): void {
  if (res.headersSent) {
    next(error)
    return
  }
  logError(error)
  res.status(statusOf(error)).type('text').send(textsFor(req).unknownFailure)
}

/** The status that Express would answer. */
function statusOf(error: unknown): number {
  const { status } = Object(error)
  return Number.isInteger(status) && status >= 400 && status < 600 ? status : 500
}
