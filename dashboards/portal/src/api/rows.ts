/* What the API answers, as far as the portal reads it; tests/browser compares it with OpenAPI. */

export interface Session {
  readonly role: string
  readonly tenant: string | null
  readonly name: string
  readonly permissions: readonly string[]
  readonly endsAt: string | null
}

export interface List<T> {
  readonly data: readonly T[]
  readonly next: string | null
}

export interface Series<T> extends List<T> {
  readonly meta: {
    readonly unit: Readonly<Record<string, string>>
    readonly coverage: number | null
    readonly from: string
    readonly to: string
  }
}

export type FieldValue = number | string | boolean

export interface Reading {
  readonly time: string
  readonly device: string
  readonly tenant: string
  readonly kind: string
  readonly channel: string
  readonly seq: number | null
  readonly receivedAt: string
  readonly flags: readonly string[]
  readonly fields: Readonly<Record<string, FieldValue>>
  readonly radio: Readonly<Record<string, FieldValue>> | null
}

/** Of one field over an interval; which of them are there depends on the field. */
interface Aggregate {
  readonly first?: number
  readonly last?: FieldValue
  readonly delta?: number
  readonly min?: number
  readonly mean?: number
  readonly max?: number
}

export interface AggregatedReading {
  readonly time: string
  readonly device: string
  readonly kind: string
  readonly count: number
  readonly fields: Readonly<Record<string, Aggregate>>
}

export interface Device {
  readonly id: string
  readonly tenant: string
  readonly name: string
  readonly kind: string
  readonly format: string
  readonly site: string | null
  readonly settings: Readonly<Record<string, unknown>>
}

export interface Site {
  readonly id: string
  readonly name: string
  readonly position: { readonly lat: number; readonly lon: number } | null
  readonly outline: readonly (readonly [number, number])[] | null
}

type Group = Readonly<Record<string, string | null>>

export interface Throughput {
  readonly group: Group
  readonly time?: string
  readonly messages: number
  readonly readings: number
  readonly bytes: number
  readonly messagesPerS: number
  readonly bytesPerS: number
}

export interface Latency {
  readonly group: Group
  readonly stage: string
  readonly n: number
  readonly p50Ms: number | null
  readonly p95Ms: number | null
  readonly p99Ms: number | null
  readonly maxMs: number | null
  readonly clockBoundMs: number | null
  readonly negative: number
  readonly method: string
  readonly relError: number
}

export interface Heat {
  readonly group: Group
  readonly boundary?: string
  readonly energyKwh: number | null
  readonly resolutionKwh?: number | null
  readonly coverage: number | null
  readonly intervals: {
    readonly measured: number
    readonly bridged: number
    readonly missing: number
    readonly excluded: number
  }
}

export interface Finding {
  readonly code: string
  readonly severity: 'error' | 'warning' | 'info'
  readonly path: string
  readonly example: string
  readonly advice: string
}

/** Null: nothing known of that. */
export interface ConformanceFacts {
  readonly kind: string
  readonly registeredFormat: string
  readonly lastFormat: string | null
  readonly lastTopic: string | null
  readonly firstReceivedAt: string | null
  readonly lastReceivedAt: string | null
  readonly read: number
  readonly stored: number
  readonly rejected: number
  readonly duplicate: number
  readonly clock: {
    readonly offsetMs: number
    readonly boundMs: number
    readonly syncClass: string
  } | null
  readonly sequence: {
    readonly received: number
    readonly lost: number
    readonly restarts: number
    readonly reordered: number
  } | null
  readonly rate: {
    readonly messages: number
    readonly spanS: number
    readonly messagesPerS: number
  } | null
  readonly transport: {
    readonly qos: readonly number[]
    readonly retained: number
    readonly redelivered: number
    readonly wills: number
    readonly meanBytes: number
    readonly maxBytes: number
  } | null
  readonly flags: Readonly<Record<string, number>>
}

export interface Conformance {
  readonly device: string
  readonly findings: readonly Finding[]
  readonly facts: ConformanceFacts
}

/** Counted in messages: accepted = stored + rejected + duplicate + pending. */
export interface Delivery {
  readonly device: string
  readonly accepted: number
  readonly stored: number
  readonly rejected: number
  readonly duplicate: number
  readonly pending: number
  readonly late: number
  readonly partial: number
  readonly lost: number
}

export interface Rejection {
  readonly id: string
  readonly time: string
  readonly device: string
  readonly topic: string
  readonly reason: string
  readonly path: string
  readonly expected: string
  readonly got: string
  readonly format: string
  readonly item: number | null
  readonly payloadBase64: string
  readonly recoveredAt: string | null
}
