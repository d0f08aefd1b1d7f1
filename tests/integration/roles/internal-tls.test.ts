import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '#lib/runtime/clock.ts'
import { createLog } from '#lib/runtime/log.ts'
import { createMetrics } from '#lib/runtime/metrics.ts'
import { InternalServer } from '../../../ingest/internal/server.ts'
import { temporaryDir } from '../../support/platform.ts'
import { createMemoryPort } from '../../unit/api/memory-port.ts'
import { SECRET, reach } from './roles-support.ts'

const HAS_OPENSSL = spawnSync('openssl', ['version']).status === 0
if (!HAS_OPENSSL) process.stderr.write('TLS between roles is skipped: openssl is not installed\n')

describe.skipIf(!HAS_OPENSSL)('the internal address with TLS', () => {
  const dir = temporaryDir('roles-tls')
  const before = getCACertificates('default')

  beforeAll(() => {
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
    const named = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
    const files = ['-keyout', 'key.pem', '-out', 'cert.pem']
    const options = { cwd: dir.path, stdio: 'ignore' } as const
    execFileSync('openssl', ['req', '-x509', ...key, ...named, ...files], options)
  })
  afterAll(() => {
    setDefaultCACertificates(before)
    dir.remove()
  })

  const pem = (name: string) => readFileSync(join(dir.path, name))

  function serverWith(tls: { readonly cert: Buffer; readonly key: Buffer }) {
    const port = createMemoryPort()
    const { journal } = port.rows.status
    const from = Promise.resolve(0)
    const live = { journal, position: 0, join: () => ({ from, close: () => {} }) }
    const backups = { begin: () => Promise.reject(new Error('none')) }
    const status = () => port.rows.status
    const parts = { port, live, backups, status, metrics: createMetrics() }
    const log = createLog('silent')
    const options = { host: '127.0.0.1', port: 0, secret: SECRET, tls, readyLagMs: 1000 }
    return new InternalServer({ ...parts, clock: systemClock, log }, options)
  }

  it('accepts only callers that trust its certificate', async () => {
    const server = serverWith({ cert: pem('cert.pem'), key: pem('key.pem') })
    const port = await server.listen()
    const stranger = await reach(`https://localhost:${port}`, dir.path)
    expect(stranger.problem()).toMatchObject({ code: 'INGEST_UNREACHABLE' })
    expect(stranger.problem()?.message).toMatch(/self-signed certificate/)
    stranger.close()
    const plain = await reach(`http://localhost:${port}`, dir.path)
    expect(plain.problem()).toMatchObject({ code: 'INGEST_UNREACHABLE' })
    plain.close()

    setDefaultCACertificates([...before, pem('cert.pem').toString()])
    const trusting = await reach(`https://localhost:${port}`, dir.path)
    expect(trusting.problem()).toBeNull()
    expect((await trusting.port.status()).durable).toBe(7)
    trusting.close()
    await server.close()
  })

  it('says of a key that does not fit what is wrong with which settings', async () => {
    const server = serverWith({ cert: pem('cert.pem'), key: Buffer.from('no key') })
    await expect(server.listen()).rejects.toMatchObject({
      code: 'TLS_INVALID',
      message: expect.stringContaining('PADBORG_TLS_CERT, PADBORG_TLS_KEY: expected'),
    })
    await server.close()
  })
})
