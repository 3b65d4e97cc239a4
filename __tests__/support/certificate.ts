import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A new key with a self-signed certificate for 127.0.0.1. */
export function selfSigned(type: 'ec' | 'rsa' = 'ec'): { key: string; cert: string } {
  const folder = mkdtempSync(join(tmpdir(), 'certificate-'))
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')]
  const name = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '2']
  const form = type === 'ec' ? 'ec_paramgen_curve:prime256v1' : 'rsa_keygen_bits:2048'
  const made = ['-newkey', type, '-pkeyopt', form, '-nodes']
  try {
    execFileSync('openssl', ['req', '-x509', ...made, '-keyout', key, '-out', cert, ...name], { stdio: 'pipe' })
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
  } finally {
    rmSync(folder, { recursive: true })
  }
}
