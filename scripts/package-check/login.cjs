const express = require('express')
const session = require('express-session')
const dialects = require('passport-dialects')
const emulators = require('passport-dialects/emulators')
const journey = require('./journey.cjs')

journey({ express, session, dialects, emulators })
