import { readFileSync } from 'node:fs'
import { createSecureContext } from 'node:tls'
import { PlatformError, messageOf } from '#lib/runtime/errors.ts'
import type { TlsFiles } from '../options.ts'

interface TlsMaterial {
  readonly cert: Buffer
  readonly key: Buffer
  readonly ca?: Buffer | undefined
  readonly requestCert: boolean
  readonly rejectUnauthorized: false
}

/**
 * What the TLS listener needs; throws TLS_INVALID. No client is turned away here: one without a
 * certificate may sign in with a password.
 */
export function readTls(files: TlsFiles | null): TlsMaterial {
  if (!files) {
    throw new PlatformError(
      'TLS_INVALID',
      'PADBORG_MQTTS_PORT is set: expected PADBORG_TLS_CERT and PADBORG_TLS_KEY; give both PEM files',
    )
  }
  const { cert, key, clientCa } = files
  const material = {
    cert: readPem('PADBORG_TLS_CERT', cert),
    key: readPem('PADBORG_TLS_KEY', key),
    ...(clientCa === null ? {} : { ca: readPem('PADBORG_TLS_CLIENT_CA', clientCa) }),
    requestCert: clientCa !== null,
    rejectUnauthorized: false,
  } as const
  requireMatching(material, files)
  return material
}

function requireMatching(material: TlsMaterial, { cert, key, clientCa }: TlsFiles): void {
  try {
    createSecureContext(material)
  } catch (error) {
    throw new PlatformError(
      'TLS_INVALID',
      `PADBORG_TLS_CERT=${cert}, PADBORG_TLS_KEY=${key}, PADBORG_TLS_CLIENT_CA=${clientCa ?? ''}: ` +
        `expected PEM files that belong together, got "${messageOf(error)}"; check each file`,
      { cause: error },
    )
  }
}

function readPem(setting: string, path: string): Buffer {
  try {
    return readFileSync(path)
  } catch (error) {
    throw new PlatformError(
      'TLS_INVALID',
      `${setting}=${path}: expected a readable PEM file, got "${messageOf(error)}"; check path and ` +
        'permissions',
      { cause: error },
    )
  }
}
