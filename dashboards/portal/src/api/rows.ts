import type { z } from 'zod'
import type { QueryName, RowsOf } from '#lib/queries/catalogue.ts'
import type { Shown } from '#lib/queries/columns.ts'
import type { AggregateRow, ReadingRow } from '#lib/queries/reading-row.ts'
import type { seriesSchema } from '../../../../api/replies/schemas.ts'

/* Rows of the API's results. Types only: nothing of lib or api is part of the portal's bundle. */

export type Row<N extends QueryName> = Shown<RowsOf<N>[number]>

/** A page of rows. */
export interface List<T> {
  readonly data: readonly T[]
  readonly next: string | null
}

/** A page of rows with the meaning of their numbers. */
export interface Series<T> extends List<T> {
  readonly meta: Readonly<z.output<ReturnType<typeof seriesSchema>>['meta']>
}

export type Reading = Shown<ReadingRow>
export type AggregatedReading = Shown<AggregateRow>
export type FieldValue = Reading['fields'][string]

export type Delivery = Row<'delivery'>
export type Latency = Row<'latency'>
export type Throughput = Row<'throughput'>
export type Heat = Row<'recoveredHeat'>
export type Rejection = Row<'rejections'>
export type Conformance = Row<'conformance'>

/*
 * Entries of the registry, as far as the portal reads them. Their schemas are part of routes that
 * need Node, so tests/integration/portal compares these fields with the OpenAPI document.
 */

export interface Session {
  readonly role: string
  readonly tenant: string | null
  readonly name: string
}

export interface Device {
  readonly id: string
  readonly kind: string
  readonly site: string | null
  readonly settings: Readonly<Record<string, unknown>>
}

export interface Site {
  readonly id: string
  readonly name: string
  readonly position: { readonly lat: number; readonly lon: number } | null
  readonly outline: readonly (readonly [number, number])[] | null
}
