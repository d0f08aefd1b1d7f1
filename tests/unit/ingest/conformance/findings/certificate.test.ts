import { describe, expect, it } from 'vitest'
import type { ClientCertificate } from '#lib/telemetry/intake.ts'
import { findAll } from '../../../../../ingest/conformance/catalogue.ts'
import type { Evidence } from '../../../../../ingest/conformance/finding.ts'
import { codesOf, HEALTHY, S_NS, withFacts } from '../evidence.ts'

const DAY_NS = 86_400n * S_NS
const { nowNs } = HEALTHY

/** Ends so many days from now. */
function certificateIn(days: number, more: Partial<ClientCertificate> = {}): Evidence {
  return withFacts({
    certificate: {
      commonName: 'acme.t1',
      fingerprint256: 'AB:CD:EF:01:23:45',
      validToNs: nowNs + BigInt(Math.round(days * 86_400)) * S_NS,
      problem: null,
      signedIn: true,
      seenAtNs: nowNs - DAY_NS,
      ...more,
    },
  })
}

/** Credentials that end so many days from now; null: never. */
function credentialsIn(...days: (number | null)[]): Pick<Evidence, 'credentials'> {
  const credentials = days.map((until, at) => ({
    id: `c${at}`,
    device: 'acme.t1',
    validFrom: '2025-01-01T00:00:00.000Z',
    validTo:
      until === null
        ? null
        : Temporal.Instant.fromEpochNanoseconds(nowNs + BigInt(until) * DAY_NS).toString(),
  }))
  return { credentials }
}

describe('the findings about certificates and credentials', () => {
  it('warn of a certificate within 30 days of its end, and report one that has ended', () => {
    expect(codesOf(certificateIn(30.01))).toEqual([])
    expect(codesOf(certificateIn(30))).toEqual(['warning certificate_ending'])
    expect(codesOf(certificateIn(0.00002))).toEqual(['warning certificate_ending'])
    expect(codesOf(certificateIn(0))).toEqual(['error certificate_expired'])
    expect(codesOf(certificateIn(-400))).toEqual(['error certificate_expired'])
  })

  it('name the certificate, its end, and what fails without a new one', () => {
    expect(findAll(certificateIn(5))).toEqual([
      {
        code: 'certificate_ending',
        severity: 'warning',
        path: 'certificate',
        example:
          'the certificate of acme.t1 (SHA-256 AB:CD:EF:01...) ends at 2025-11-29T16:01:40Z, in 5 d',
        advice:
          'install a new certificate of the same authority and common name; without it the device ' +
          'will not be able to sign in',
      },
    ])
    const [expired] = findAll(certificateIn(-3, { signedIn: false, problem: 'CERT_HAS_EXPIRED' }))
    expect(expired?.example).toMatch(/ended at 2025-11-21T16:01:40Z, 3 d ago$/)
    expect(expired?.advice).toContain('signs in with its password')
  })

  it('warn of a certificate that is not trusted, whenever it ends', () => {
    const untrusted = { problem: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE', signedIn: false }
    expect(codesOf(certificateIn(900, untrusted))).toEqual(['warning certificate_untrusted'])
    expect(codesOf(certificateIn(9, untrusted))).toEqual([
      'warning certificate_untrusted',
      'warning certificate_ending',
    ])
    const [finding] = findAll(certificateIn(900, { ...untrusted, commonName: '' }))
    expect(finding?.example).toContain('no common name')
    expect(finding?.example).toContain('UNABLE_TO_VERIFY_LEAF_SIGNATURE')
    expect(finding?.advice).toContain('PADBORG_TLS_CLIENT_CA')
  })

  it('follow the credential that ends last', () => {
    const codes = (...days: (number | null)[]) => codesOf({ ...HEALTHY, ...credentialsIn(...days) })
    expect(codes()).toEqual([])
    expect(codes(null)).toEqual([])
    expect(codes(31)).toEqual([])
    expect(codes(30)).toEqual(['warning credential_ending'])
    expect(codes(10, 20)).toEqual(['warning credential_ending'])
    expect(codes(10, 60)).toEqual([])
    expect(codes(60, 10)).toEqual([])
    expect(codes(null, 10)).toEqual([])
    expect(codes(10, null)).toEqual([])
    expect(codes(-10, 10)).toEqual(['warning credential_ending'])
    expect(codes(-10, -1)).toEqual(['error credential_expired'])
  })

  it('name the credential that ends, and how to make the next one', () => {
    const [finding] = findAll({ ...HEALTHY, ...credentialsIn(-1, 2) })
    expect(finding).toMatchObject({
      path: 'credentials',
      example: 'the last of 2 credentials ends at 2025-11-26T16:01:40Z, in 2 d',
    })
    expect(finding?.advice).toContain('POST /api/v1/devices/acme.t1/credentials')
  })

  it('leave credentials out where the device signs in by certificate', () => {
    const ended = credentialsIn(-1)
    expect(codesOf({ ...certificateIn(900), ...ended })).toEqual([])
    expect(codesOf({ ...certificateIn(900, { signedIn: false }), ...ended })).toEqual([
      'error credential_expired',
    ])
  })
})
