import { X509Certificate } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { connectAsync, type IClientOptions } from 'mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createAuthority, hasOpenssl, type Authority } from '../../support/authority.ts'
import { addDevice, startPlatform, temporaryDir, type Platform } from '../../support/platform.ts'
import { waitFor } from '../../support/wait-for.ts'

interface Finding {
  readonly code: string
  readonly severity: string
  readonly path: string
  readonly example: string
}

const DAY_MS = 86_400_000
const OF_SIGN_IN: ReadonlySet<string> = new Set(['certificate', 'credentials'])

describe.skipIf(!hasOpenssl)(
  `what a device signs in with${hasOpenssl ? '' : ' (skipped: openssl is not installed)'}`,
  () => {
    const folder = temporaryDir('certificate')
    const dataDir = join(folder.path, 'data')
    let authority: Authority
    let stranger: Authority
    let platform: Platform
    let env: Record<string, string> = {}

    beforeAll(async () => {
      mkdirSync(dataDir)
      authority = createAuthority(folder.path)
      stranger = createAuthority(folder.path, 'stranger')
      const { certPath, keyPath } = authority.issue('localhost', 2)
      env = {
        PADBORG_MQTTS_PORT: '0',
        PADBORG_TLS_CERT: certPath,
        PADBORG_TLS_KEY: keyPath,
        PADBORG_TLS_CLIENT_CA: authority.caPath,
      }
      platform = await startPlatform({ dataDir, env })
    })
    afterAll(async () => {
      await platform?.stop()
      folder.remove()
    })

    /** Signs in over TLS and goes again. */
    async function signIn(options: IClientOptions): Promise<void> {
      const { ready } = platform
      const port = 'mqtts' in ready ? Number(ready.mqtts) : 0
      const client = await connectAsync(`mqtts://localhost:${port}`, {
        host: '127.0.0.1',
        ca: authority.ca,
        servername: 'localhost',
        reconnectPeriod: 0,
        ...options,
      })
      await client.endAsync()
    }

    async function conformance(device: string, key?: string) {
      const init = key === undefined ? {} : { key }
      const { status, body } = await platform.api(`/devices/${device}/conformance`, init)
      const findings: Finding[] = status === 200 ? body.findings : []
      return {
        status,
        certificate: body.facts?.certificate,
        findings: findings.filter(({ path }) => OF_SIGN_IN.has(path)),
      }
    }

    /** Sign-ins reach the intake after the CONNACK. */
    const conformanceOnce = (device: string, fingerprint256: string | null) =>
      waitFor(
        async () => {
          const found = await conformance(device)
          return (found.certificate?.fingerprint256 ?? null) === fingerprint256 && found
        },
        { what: `the certificate of ${device} is ${fingerprint256}`, timeoutMs: 30_000 },
      )

    const fingerprintOf = (cert: Buffer) => new X509Certificate(cert).fingerprint256

    it('shows a certificate that is about to end, also after a restart, until it is renewed', async () => {
      const { id } = await addDevice(platform, { tenant: 'acme', id: 'ending', kind: 'truck' })
      const ending = authority.issue(id, 10)
      await signIn(ending)
      const before = await conformanceOnce(id, fingerprintOf(ending.cert))
      expect(before.findings).toMatchObject([
        { code: 'certificate_ending', severity: 'warning', path: 'certificate' },
      ])
      expect(before.findings[0]?.example).toContain(`the certificate of ${id}`)
      const { validToDate } = new X509Certificate(ending.cert)
      expect(before.certificate).toMatchObject({ commonName: id, problem: null, signedIn: true })
      expect(Date.parse(before.certificate.validTo)).toBe(validToDate.getTime())
      await platform.stop()
      platform = await startPlatform({ dataDir, env })
      expect((await conformance(id)).findings.map(({ code }) => code)).toEqual([
        'certificate_ending',
      ])
      const renewed = authority.issue(id, 400)
      await signIn(renewed)
      expect((await conformanceOnce(id, fingerprintOf(renewed.cert))).findings).toEqual([])
    })

    it('shows one that has ended, or that is not trusted, beside a password', async () => {
      const { id, username, password } = await addDevice(platform, {
        tenant: 'acme',
        id: 'beside',
        kind: 'truck',
      })
      const ended = authority.issue(id, 0)
      await signIn({ username, password, ...ended })
      const expired = await conformanceOnce(id, fingerprintOf(ended.cert))
      expect(expired.findings).toMatchObject([{ code: 'certificate_expired', severity: 'error' }])
      expect(expired.certificate).toMatchObject({ problem: 'CERT_HAS_EXPIRED', signedIn: false })
      const foreign = stranger.issue(id, 400)
      await signIn({ username, password, ...foreign })
      const untrusted = await conformanceOnce(id, fingerprintOf(foreign.cert))
      expect(untrusted.findings).toMatchObject([
        { code: 'certificate_untrusted', severity: 'warning' },
      ])
      await signIn({ username, password })
      expect(await conformanceOnce(id, null)).toMatchObject({ certificate: null, findings: [] })
    })

    it('records nothing of a certificate that was refused', async () => {
      const { id } = await addDevice(platform, { tenant: 'acme', id: 'refused', kind: 'truck' })
      const good = authority.issue(id, 400)
      await signIn(good)
      await conformanceOnce(id, fingerprintOf(good.cert))
      await expect(signIn(stranger.issue(id, 5))).rejects.toMatchObject({ code: 4 })
      await expect(signIn(authority.issue(id, 0))).rejects.toMatchObject({ code: 4 })
      // A later sign-in has arrived, so nothing of these two is still under way.
      const other = await addDevice(platform, { tenant: 'acme', id: 'behind', kind: 'truck' })
      const last = authority.issue(other.id, 5)
      await signIn(last)
      await conformanceOnce(other.id, fingerprintOf(last.cert))
      const { certificate, findings } = await conformance(id)
      expect(certificate.fingerprint256).toBe(fingerprintOf(good.cert))
      expect(findings).toEqual([])
    })

    it('is empty for a device without certificate, and hidden from another tenant', async () => {
      const acme = await addDevice(platform, { tenant: 'acme', id: 't1', kind: 'truck' })
      const beta = await addDevice(platform, { tenant: 'beta', id: 't1', kind: 'truck' })
      const ending = authority.issue(acme.id, 3)
      await signIn({ username: beta.username, password: beta.password })
      await signIn(ending)
      await conformanceOnce(acme.id, fingerprintOf(ending.cert))
      expect(await conformance(beta.id)).toMatchObject({ certificate: null, findings: [] })
      const body = { role: 'tenant-operator', tenant: 'beta', name: 'beta' }
      const { body: made } = await platform.api('/keys', { body })
      expect((await conformance(beta.id, made.key)).status).toBe(200)
      const foreign = await conformance(acme.id, made.key)
      expect(foreign).toMatchObject({ status: 404, certificate: undefined })
    })

    it('shows credentials that are about to end until there is a later one', async () => {
      await platform.api('/tenants', { body: { id: 'acme', name: 'acme' } })
      await platform.api('/devices', { body: { id: 'short', tenant: 'acme', kind: 'truck' } })
      const url = '/devices/acme.short/credentials'
      const validTo = new Date(Date.now() + 5 * DAY_MS).toISOString()
      expect((await platform.api(url, { body: { validTo } })).status).toBe(201)
      const codes = async () =>
        (await conformance('acme.short')).findings.map(({ code }) => code).join()
      await waitFor(async () => (await codes()) === 'credential_ending')
      expect((await platform.api(url, { body: {} })).status).toBe(201)
      await waitFor(async () => (await codes()) === '')
    })
  },
)
