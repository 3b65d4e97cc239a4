import type express from 'express'
import type { RequestHandler, Router } from 'express'

/**
 * An Express router that runs `work` before its layers. As a layer, it would cost every page of the app more than the
 * work itself: Express leaves a router one turn of the event loop after its last layer.
 */
export function routerWith(work: RequestHandler): Router {
  const { Router } = require('express') as typeof express // loaded here, because it takes longest of all
  const router = Router()
  const layers: RequestHandler = Reflect.get(router, 'handle')
  const handle: RequestHandler = (req, res, next) => {
    work(req, res, (error) => {
      if (error || router.stack.length === 0) next(error)
      else layers.call(router, req, res, next)
    })
  }
  Reflect.set(router, 'handle', handle)
  return router
}
