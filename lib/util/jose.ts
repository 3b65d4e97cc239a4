import { lazily } from './lazily'

/**
 * Loaded at first use, because most apps need no signatures or encryption. jose is an ES module, so CommonJS needs
 * `import()`.
 */
export const loadJose = lazily(() => import('jose'))
