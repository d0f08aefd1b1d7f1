import type { ConformanceFinding } from '#lib/telemetry/conformance.ts'
import type { ClientCertificate } from '#lib/telemetry/intake.ts'
import type { Evidence, FindingRule } from '../finding.ts'
import { ageText, instantText } from '../text.ts'

/** For some devices somebody has to travel to renew their certificate. */
const NOTICE_NS = 30n * 86_400_000_000_000n

/** The certificate and the credentials a device signs in with, and when they end. */
export const certificate: FindingRule = {
  codes: [
    'certificate_expired',
    'certificate_ending',
    'certificate_untrusted',
    'credential_expired',
    'credential_ending',
  ],
  find(evidence) {
    const seen = evidence.facts.certificate
    // Where the device signs in by certificate, its old credentials do not matter.
    if (seen?.signedIn) return certificateFindings(seen, evidence.nowNs)
    const ofCertificate = seen ? certificateFindings(seen, evidence.nowNs) : []
    return [...ofCertificate, ...credentialFindings(evidence)]
  },
}

function certificateFindings(seen: ClientCertificate, nowNs: bigint): ConformanceFinding[] {
  const { validToNs, problem } = seen
  const found: ConformanceFinding[] = []
  const add = (code: string, severity: 'error' | 'warning', example: string, advice: string) =>
    found.push({ code, severity, path: 'certificate', example, advice })
  if (validToNs <= nowNs) {
    // Once it has ended, OpenSSL may report nothing else: whether its signer is known stays open.
    const example = `${nameOf(seen)} ${endText(validToNs, nowNs)}`
    add('certificate_expired', 'error', example, renewalOf(seen, 'cannot sign in'))
    return found
  }
  if (problem !== null) {
    const advice =
      'it cannot be used to sign in: let the authority of PADBORG_TLS_CLIENT_CA sign a certificate for this ' +
      'device with its full id as common name, or connect without one; a password is needed until then'
    add('certificate_untrusted', 'warning', `${nameOf(seen)} is not trusted: ${problem}`, advice)
  }
  if (validToNs - nowNs <= NOTICE_NS) {
    const example = `${nameOf(seen)} ${endText(validToNs, nowNs)}`
    add('certificate_ending', 'warning', example, renewalOf(seen, 'will not be able to sign in'))
  }
  return found
}

function renewalOf({ signedIn }: ClientCertificate, fails: string): string {
  const rest = signedIn
    ? `without it the device ${fails}`
    : 'the device signs in with its password, so it may also leave the certificate out'
  return `install a new certificate of the same authority and common name; ${rest}`
}

/** Only the one that ends last counts: the others have a successor. */
function credentialFindings({ credentials, nowNs, device }: Evidence): ConformanceFinding[] {
  const ends = credentials.map(({ validTo }) =>
    validTo === null ? null : Temporal.Instant.from(validTo).epochNanoseconds,
  )
  const [first, ...others] = ends
  if (first === undefined) return []
  const lastNs = others.reduce<bigint | null>(laterEnd, first)
  if (lastNs === null || lastNs - nowNs > NOTICE_NS) return []
  const hasEnded = lastNs <= nowNs
  const advice =
    `make a new one by POST /api/v1/devices/${device.id}/credentials and give its password to the ` +
    (hasEnded ? 'device: it cannot sign in' : 'device before; old and new are valid together')
  return [
    {
      code: hasEnded ? 'credential_expired' : 'credential_ending',
      severity: hasEnded ? 'error' : 'warning',
      path: 'credentials',
      example: `the last of ${credentials.length} credentials ${endText(lastNs, nowNs)}`,
      advice,
    },
  ]
}

/** Null means no end. */
function laterEnd(a: bigint | null, b: bigint | null): bigint | null {
  if (a === null || b === null) return null
  return a > b ? a : b
}

function nameOf({ commonName, fingerprint256 }: ClientCertificate): string {
  return `the certificate of ${commonName || 'no common name'} (SHA-256 ${fingerprint256.slice(0, 11)}...)`
}

function endText(endNs: bigint, nowNs: bigint): string {
  const seconds = Number(endNs - nowNs) / 1e9
  const at = instantText(endNs)
  return seconds > 0
    ? `ends at ${at}, in ${ageText(seconds)}`
    : `ended at ${at}, ${ageText(-seconds)} ago`
}
