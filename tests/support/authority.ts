import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export const hasOpenssl = spawnSync('openssl', ['version']).status === 0

/** What mqtt.js and the platform take of a certificate. */
export interface Issued {
  readonly cert: Buffer
  readonly key: Buffer
  readonly certPath: string
  readonly keyPath: string
}

/** A certificate authority of a test, with its files in one folder. */
export interface Authority {
  readonly caPath: string
  readonly ca: Buffer
  /** A certificate that ends so many days from now; 0: it has ended at once. */
  issue(commonName: string, days: number): Issued
}

const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']

export function createAuthority(dir: string, name = 'ca'): Authority {
  const path = (file: string) => join(dir, `${name}-${file}`)
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: 'ignore' })
  const [caPath, caKey] = [path('ca.pem'), path('ca.key')]
  const subject = ['-subj', `/CN=${name}`, '-days', '2']
  openssl('req', '-x509', ...KEY, '-keyout', caKey, '-out', caPath, ...subject)
  let issued = 0
  return {
    caPath,
    ca: readFileSync(caPath),
    issue(commonName, days) {
      issued += 1
      const [keyPath, csr, certPath] = ['key', 'csr', 'pem'].map((end) => path(`${issued}.${end}`))
      if (!keyPath || !csr || !certPath) throw new Error('expected three names of files')
      openssl('req', ...KEY, '-keyout', keyPath, '-out', csr, '-subj', `/CN=${commonName}`)
      const signer = ['-CA', caPath, '-CAkey', caKey, '-CAcreateserial', '-days', String(days)]
      openssl('x509', '-req', '-in', csr, ...signer, '-out', certPath)
      return { cert: readFileSync(certPath), key: readFileSync(keyPath), certPath, keyPath }
    },
  }
}
