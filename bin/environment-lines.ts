/** `tapd`, `clientID` → `TAPD_CLIENT_ID='…'`: lines that a shell, dotenv and Node's `--env-file` read in the same way. */
export function environmentLines(provider: string, options: Readonly<Record<string, string>>): string[] {
  return Object.entries(options).map(([option, value]) => `${variable(provider, option)}=${quoted(oneLine(value))}`)
}

/** A PEM key as bare base64; the strategies read both. */
function oneLine(value: string): string {
  return /^-----BEGIN [A-Z ]*KEY-----/.test(value) ? value.replace(/-----[A-Z ]+-----|\s/g, '') : value
}

function variable(provider: string, option: string): string {
  return `${provider}_${option.replace(/([a-z])([A-Z])/g, '$1_$2')}`.replace(/\W/g, '_').toUpperCase()
}

/**
 * Puts a value between single quotes: only there, both a shell and an env file take everything literally.
 * @throws TypeError if the value cannot be put between them
 */
export function quoted(value: string): string {
  if (/^[\w./:@%+-]+$/.test(value)) return value
  if (/['\r\n\0]/.test(value)) throw new TypeError('A value with a single quote or a line break has no safe form.')
  return `'${value}'`
}
