import { lazily } from './lazily'

/** Loaded when first needed: most apps sign, seal and verify nothing. An ES module: `import` is the only way in from CommonJS. */
export const loadJose = lazily(() => import('jose'))
