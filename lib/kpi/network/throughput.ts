export interface Volume {
  readonly messages: number
  readonly readings: number
  /** Payload bytes: without MQTT, TCP and IP headers. */
  readonly bytes: number
}

export interface Throughput extends Volume {
  readonly messagesPerS: number
  readonly bytesPerS: number
}

/** Rates over a span; null where the span has no length. */
export function throughput(volume: Volume, spanNs: bigint): Throughput | null {
  if (spanNs <= 0n) return null
  const spanS = Number(spanNs) / 1e9
  return {
    messages: volume.messages,
    readings: volume.readings,
    bytes: volume.bytes,
    messagesPerS: volume.messages / spanS,
    bytesPerS: volume.bytes / spanS,
  }
}
