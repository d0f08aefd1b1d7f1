import type { Device } from '#lib/registry/registry.ts'
import type { Kind } from '#lib/telemetry/catalogue.ts'
import type { JournaledMessage } from '#lib/telemetry/message.ts'
import type { FieldValue } from '#lib/telemetry/field.ts'
import type { Radio } from '#lib/telemetry/radio.ts'
import type { Refusal } from '#lib/telemetry/rejection.ts'

export interface FormatInput {
  readonly device: Device
  readonly message: JournaledMessage
  /** Last levels of a native topic, or the topic itself for a foreign one. */
  readonly channel: string
  /** IANA zone for local times without one. */
  readonly timezone: string
  /** A secret of the device in the registry; null when it has none of that name. */
  readonly secretOf?: (name: string) => string | null
  /**
   * Only for a message of a gateway: the device that the gateway calls so, as it is registered,
   * else as it would be created with this kind; null when it is not there and no kind is known.
   */
  readonly carried?: (subDevice: string, kind: Kind | null) => Device | null
  /**
   * Only for a message of a gateway: a stable name for what must not be kept as it is, such as a
   * VIN (docs/domain.md 8.10); null where the installation has no secret to make it with.
   */
  readonly pseudonym?: (text: string) => string | null
}

/** One reading as the payload tells it, before clock, lateness and duplicates are judged. */
export interface ParsedElement {
  /** Index of the element in an array payload; -1 when the payload is one object. */
  readonly elementIndex: number
  readonly kind: Kind
  readonly seq: number | null
  /** The device's own time, Unix ns; null when it gives none. */
  readonly timeNs: bigint | null
  /** Flags the format can tell: out_of_range, sensor_error, identity_mismatch, clock_invalid. */
  readonly flags: number
  readonly fields: Readonly<Record<string, FieldValue>>
  readonly radio: Radio | null
  /** 64 bits over the source element as received (`lib/telemetry/hash.ts`). */
  readonly hash: bigint
  /** Short id of the device that a gateway speaks of; left out when the sender speaks of itself. */
  readonly subDevice?: string
  /** Where the payload has its time, whole; `ts` of the element where it is left out. */
  readonly timePath?: string
}

export interface RefusedElement extends Refusal {
  /** -1: the whole message. */
  readonly elementIndex: number
  /** Which of the devices behind a gateway it is about, where that is known. */
  readonly subDevice?: string
}

/** A message without elements and refusals is an event: stored, but no reading. */
export interface FormatOutput {
  readonly elements: readonly ParsedElement[]
  readonly refused: readonly RefusedElement[]
}

/** A payload convention: pure, one file each, listed in `catalogue.ts`. Never throws. */
export interface Format {
  readonly name: string
  readonly description: string
  /**
   * Raised by one whenever the same bytes may be read otherwise, and kept with each rejection, so
   * that it shows which of them are worth a replay; 1 where it is left out.
   */
  readonly version?: number
  parse(input: FormatInput): FormatOutput
}
