const { default: Sequencer } = require('@jest/test-sequencer')

// Where nothing is known of earlier runs, jest starts with the largest files; these are small, and take long. Begun
// last, they would keep one core while the other one has nothing to do.
const LONG = [
  'fuzz/tabs',
  'lib/tabs',
  'browser/looks',
  'browser/logins',
  'browser/account',
  'emulators/consent-in-browser',
  'tokens/processes',
  'faults/matrix',
  'conformance/seventh-provider',
  'package/formats',
  'docs/code-blocks',
  'fuzz/callbacks',
  'fuzz/parsers',
  'secrets/secrets',
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
