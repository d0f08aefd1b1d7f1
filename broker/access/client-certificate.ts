import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { ClientCertificate } from '#lib/telemetry/intake.ts'

const NS_PER_MS = 1_000_000n

/**
 * The certificate that came with a connection, trusted or not; null without one. It is reported here;
 * `authenticate.ts` decides.
 */
export function certificateOf(
  socket: Socket,
  nowMs: number,
): Omit<ClientCertificate, 'signedIn'> | null {
  if (!(socket instanceof TLSSocket)) return null
  const certificate = socket.getPeerX509Certificate()
  const validToMs = certificate?.validToDate.getTime() ?? Number.NaN
  // A date that cannot be read does not say when it ends.
  if (!certificate || !Number.isFinite(validToMs)) return null
  return {
    commonName: commonNameOf(socket) ?? '',
    fingerprint256: certificate.fingerprint256,
    validToNs: BigInt(validToMs) * NS_PER_MS,
    problem: socket.authorized ? null : String(socket.authorizationError),
    seenAtNs: BigInt(nowMs) * NS_PER_MS,
  }
}

export function commonNameOf(socket: TLSSocket): string | null {
  const { subject } = socket.getPeerCertificate()
  const name: unknown = subject?.CN
  return typeof name === 'string' ? name : null
}
