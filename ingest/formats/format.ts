import type { Device } from '#lib/registry/registry.ts'
import type { Kind } from '#lib/telemetry/catalogue.ts'
import type { FieldValue } from '#lib/telemetry/field.ts'
import type { FormatDeclaration } from '#lib/telemetry/format-declaration.ts'
import type { JournaledMessage } from '#lib/telemetry/message.ts'
import type { Radio } from '#lib/telemetry/radio.ts'
import type { Refusal } from '#lib/telemetry/rejection.ts'

/** What a format may need to know beside the message. */
export interface ParseContext {
  readonly device: Device
  /** IANA zone for local times without one. */
  readonly timezone: string
  /** A secret of the device in the registry; null when it has none of that name. */
  readonly secretOf?: (name: string) => string | null
  /**
   * Only for a message of a gateway: the device behind it by the gateway's name for it, as it is
   * registered, or else as it would be created with this kind; null when it is not registered and
   * its kind is unknown.
   */
  readonly carried?: (subDevice: string, kind: Kind | null) => Device | null
  /**
   * Only for a message of a gateway: a stable name for a text that must not be kept, such as a VIN
   * (docs/domain.md 8.10); null where the installation has no secret to make it with.
   */
  readonly pseudonym?: (text: string) => string | null
}

export interface FormatInput extends ParseContext {
  readonly message: JournaledMessage
  /** Last levels of a native topic, or the whole of a foreign one. */
  readonly channel: string
}

/** An element of a payload as its format reads it: clock, lateness and duplicates come later. */
export interface ParsedElement {
  /** Place in an array payload; -1 when the payload is one object. */
  readonly elementIndex: number
  readonly kind: Kind
  readonly seq: number | null
  /** The device's own time, Unix ns; null when it gives none. */
  readonly timeNs: bigint | null
  /** Flags a format can set: out_of_range, sensor_error, identity_mismatch, clock_invalid. */
  readonly flags: number
  readonly fields: Readonly<Record<string, FieldValue>>
  readonly radio: Radio | null
  /** 64 bits over the source element as received (`lib/telemetry/hash.ts`). */
  readonly hash: bigint
  /** Short id of the device behind a gateway; left out for the sender itself. */
  readonly subDevice?: string
  /** Paths beside known names that the kind does not have; left out where there are none. */
  readonly unknownFields?: readonly string[]
  /** The whole path of the time in the payload; `ts` of the element where it is left out. */
  readonly timePath?: string
  /** Place among the elements as the format gave them; left out where it is the place it has now. */
  readonly ordinal?: number
}

/** An element of a payload that its format refuses. */
export interface RefusedElement extends Refusal {
  /** -1: the whole message. */
  readonly elementIndex: number
  /** Short id of the device behind a gateway, where it is known. */
  readonly subDevice?: string
}

/** A message without elements of either sort is an event: stored, but no reading. */
export interface FormatOutput {
  readonly elements: readonly ParsedElement[]
  readonly refused: readonly RefusedElement[]
}

/** A payload convention: pure, one file each, listed in `catalogue.ts`. Never throws. */
export interface Format extends FormatDeclaration {
  /**
   * Raised by one whenever the same bytes may be read differently, and kept with each rejection, to
   * show which of them are worth a replay; 1 where it is left out.
   */
  readonly version?: number
  parse(input: FormatInput): FormatOutput
}
