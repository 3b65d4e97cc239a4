import express from 'express'
import session from 'express-session'
import * as dialects from 'passport-dialects'
import * as emulators from 'passport-dialects/emulators'
import journey from './journey.cjs'

await journey({ express, session, dialects, emulators })
