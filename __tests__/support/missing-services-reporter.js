/**
 * Says in the last lines of a run which tests were skipped because a service was missing, and what to do about it.
 * The tests are those that `describeWith` of services.ts marked.
 */
module.exports = class MissingServicesReporter {
  onRunComplete(_contexts, { testResults }) {
    const counts = new Map()
    for (const { fullName, status } of testResults.flatMap((file) => file.testResults)) {
      const service = /\(needs (\w+)\)/.exec(fullName)?.[1]
      if (service && status === 'pending') counts.set(service, (counts.get(service) ?? 0) + 1)
    }
    for (const [service, count] of counts) {
      const reason = process.env[`MISSING_SERVICE_${service}`]
      // A test that somebody skipped by name is not a missing service.
      if (reason === undefined) continue
      const variable = VARIABLES[service] ?? 'its address'
      process.stderr.write(
        `\n${service} was not there (${reason}): ${count} ${count === 1 ? 'test was' : 'tests were'} skipped. Install and start it, or say where it is in ${variable}.\n`,
      )
    }
  }
}

const VARIABLES = {
  Redis: 'REDIS_URL',
  PostgreSQL: 'DATABASE_URL',
  RedisServer: 'PATH',
  Chromium: 'CHROMIUM_PATH',
  OpenSSL: 'PATH',
}
