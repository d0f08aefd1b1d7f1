import type { FullId } from './ids.ts'
import type { IncomingMessage } from './message.ts'

/** The four timestamps of one clock exchange, Unix ns (RFC 5905; docs/domain.md 5.4). */
export interface ClockSample {
  readonly t1: bigint
  readonly t2: bigint
  readonly t3: bigint
  readonly t4: bigint
}

/** The certificate that came with the TLS connection on which a device signed in. */
export interface ClientCertificate {
  readonly commonName: string
  /** SHA-256 over the certificate, as OpenSSL writes it: `AB:CD:...`. */
  readonly fingerprint256: string
  readonly validToNs: bigint
  /** Why it is not trusted, as OpenSSL names it (`CERT_HAS_EXPIRED`); null when it is. */
  readonly problem: string | null
  /** Whether the device signed in with it, and not with a password beside it. */
  readonly signedIn: boolean
  readonly seenAtNs: bigint
}

/** What the broker needs of the ingest role. */
export interface Intake {
  /**
   * Makes one message durable; `done` is called in the order of the calls, after the fsync. While
   * the journal cannot be written, `done` waits: it is never called with success too early and the
   * message is not dropped. An error means the platform is closing. The payload is copied before
   * this returns: its memory may be used again.
   */
  accept(message: IncomingMessage, done: (error: Error | null) => void): void
  /** True while no message is to be handed over: journal full, disk full, or writing fails. */
  readonly paused: boolean
  /** Called on each change of `paused`. */
  onPausedChange(listener: (paused: boolean) => void): void
  clockSample(device: FullId, sample: ClockSample): void
  /** Counts a message that flows to a device. */
  command(device: FullId): void
  /** Once per connection of a device that has signed in; null: it came without a certificate. */
  certificate(device: FullId, certificate: ClientCertificate | null): void
}

/** What the ingest role tells a device about a message that was not stored (topic `errors`). */
export interface DeviceNotice {
  readonly device: FullId
  readonly topic: string
  readonly reason: string
  readonly path: string
  readonly expected: string
  readonly got: string
  readonly rejectionId: string
  /** Rejections of this device since the last notice, this one included. */
  readonly count: number
}
