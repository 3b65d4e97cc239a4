const { default: Sequencer } = require('@jest/test-sequencer')

// Without data of earlier runs, jest starts with the largest files. These are small but slow: if they started last, one
// core would wait for them. Files with a browser alternate with those that mostly wait for deadlines, because three
// browsers at once are slower than one after the other.
const LONG = [
  'sessions/pairs',
  'browser/logins',
  'sessions/memory',
  'faults/matrix',
  'browser/looks',
  'sessions/delaying-store',
  'emulators/consent-in-browser',
  'tokens/processes',
  'browser/account',
  'secrets/secrets',
  'conformance/providers-1',
  'conformance/providers-2',
  'conformance/providers-3',
  'conformance/providers-4',
  'conformance/seventh-provider',
  'docs/code-blocks',
  'conformance/kit-signed',
  'browser/apple',
  'browser/form-post',
  'emulators/emulate',
  'lib/tabs',
  'browser/popup',
  'fuzz/callbacks',
  'fuzz/parsers',
  'fuzz/tabs',
  'example-app/start',
  'faults/split-body',
]

module.exports = class LongestFirst extends Sequencer {
  sort(tests) {
    const rank = ({ path }) => {
      const at = LONG.findIndex((name) => path.replaceAll('\\', '/').endsWith(`__tests__/${name}.test.ts`))
      return at < 0 ? LONG.length : at
    }
    return super.sort(tests).sort((a, b) => rank(a) - rank(b))
  }
}
