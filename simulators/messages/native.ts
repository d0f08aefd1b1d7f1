import type { RadioValues } from '../models/radio.ts'

export interface NativeReading {
  readonly kind: string
  /** Device time, Unix ms. */
  readonly atMs: number
  /** Null: without a number, as late uploads of a store-and-forward box have it. */
  readonly seq: number | null
  readonly data: object
  readonly radio?: RadioValues | Readonly<Record<string, number | string>> | null
}

/** An element of a native payload (docs/devices.md, "The native payload"). */
export function nativeElement({ kind, atMs, seq, data, radio }: NativeReading): object {
  const numbered = seq === null ? {} : { seq }
  const heard = radio ? { radio } : {}
  return { v: 1, kind, ts: Math.round(atMs), ...numbered, data, ...heard }
}

export function nativePayload(reading: NativeReading): string {
  return JSON.stringify(nativeElement(reading))
}
