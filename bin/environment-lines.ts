/** `tapd`, `clientID` → `TAPD_CLIENT_ID='…'`: lines that a shell, dotenv and Node's `--env-file` read alike. */
export function environmentLines(provider: string, options: Readonly<Record<string, string>>): string[] {
  return Object.entries(options).map(([option, value]) => `${variable(provider, option)}=${quoted(oneLine(value))}`)
}

/** A key in PEM as its base64 alone: the strategies read both. */
function oneLine(value: string): string {
  return /^-----BEGIN [A-Z ]*KEY-----/.test(value) ? value.replace(/-----[A-Z ]+-----|\s/g, '') : value
}

function variable(provider: string, option: string): string {
  return `${provider}_${option.replace(/([a-z])([A-Z])/g, '$1_$2')}`.replace(/\W/g, '_').toUpperCase()
}

/**
 * Single quotes are the one kind in which neither a shell nor an env file sees anything but text.
 * @throws TypeError where a value cannot stand between them
 */
export function quoted(value: string): string {
  if (/^[\w./:@%+-]+$/.test(value)) return value
  if (/['\r\n\0]/.test(value)) throw new TypeError('A value with a single quote or a line break has no safe form.')
  return `'${value}'`
}
