import type { z } from 'zod'
import type { CalendarBucket } from '#lib/kpi/calendar.ts'
import type { Permission } from '#lib/access/policy.ts'
import type { ExactLatency, StoreReader } from '#lib/store/store.ts'
import type { CallerTag } from '#lib/telemetry/caller-tag.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { RatChoice } from '#lib/telemetry/radio.ts'
import type { Kind } from '#lib/telemetry/catalogue.ts'
import type { Scope } from '#lib/telemetry/scope.ts'
import type { Span } from '#lib/telemetry/span.ts'
import type { TooMany } from '#lib/telemetry/too-many.ts'
import type { IntakeStateReader } from './intake-state.ts'

/*
 * A query is declared once: what it takes, the rows it returns, who may run it and how its rows are
 * computed. Everything else is derived from the declarations in `catalogue.ts`: the port between API
 * and ingest, the handlers of the ingest worker, the HTTP routes with OpenAPI, CSV and Parquet, the
 * types of the portal and docs/api.md.
 */

/** Names of parameters with their zod schemas. */
export type Shape = Readonly<Record<string, z.ZodType>>

/** The parts a query is computed from. */
export interface QueryContext {
  readonly store: StoreReader
  /** Percentiles of raw values, where the store can give them. */
  readonly exact: ExactLatency | null
  readonly state: IntakeStateReader
  /** Days, months and years follow this zone (PADBORG_TIMEZONE). */
  readonly timezone: string
  readonly nowNs: () => bigint
  /** Aborts when nobody waits for the result any more. */
  readonly signal: AbortSignal
  /** The writer shares the thread: long computations yield between two devices. */
  readonly yieldToEventLoop: () => Promise<void>
}

/** What every query that crosses the port carries: its rows, and whose turn it takes. */
export interface ScopedQuery {
  readonly scope: Scope
  readonly caller?: CallerTag | undefined
}

/** Rows in the order of the result. `next` is set by queries that page in their source. */
export interface QueryResult<Row> {
  readonly rows: readonly Row[]
  readonly next?: string | null
}

/** A parameter that cannot be used, in the words of an answer with status 422 (or 403, 404). */
export interface RefusedParameter {
  readonly refused: 'unusable' | 'forbidden' | 'unknown_device'
  readonly path: string
  readonly detail: string
}

export function isRefused(value: object): value is RefusedParameter {
  return 'refused' in value
}

/** Which devices a query is about, in the names of the caller. */
export interface Filter {
  readonly device?: readonly string[] | undefined
  readonly tenant?: readonly string[] | undefined
  readonly kind?: readonly Kind[] | undefined
}

/** What a declaration may know of its caller while it reads the parameters. */
export interface Viewer {
  readonly role: string
  readonly seesPositions: boolean
  /** Kind of a registered device that the caller may see; null for any other name. */
  kindOf(device: string): string | null
}

/** The span and page of one request, after the cursor was opened. */
export interface Request extends Span {
  readonly scope: Scope
  /** The device in the path; '' where the path has none. */
  readonly device: FullId
  readonly everyNs: bigint | null
  /** Intervals of the local calendar; null where they have one length. */
  readonly buckets: readonly CalendarBucket[] | null
  /** For queries that page in their source: what this page follows. */
  readonly cursor: string | null
}

/** What the numbers of a series mean; part of every series in `meta`. */
export interface SeriesMeta<Q, Result> {
  aggregation(query: Q): string
  coverageOf(query: Q): string
  /** From 0 to 1, in the sense of `coverageOf`; null where it cannot be told. */
  coverage(result: Result, query: Q): number | null
}

/**
 * Declaration of a query. Generic parameters: `G` the parameters as given (after zod), `Q` the query
 * that crosses the port (plain values, bigints in ns), `Row` one row inside the platform.
 */
export interface QueryDefinition<
  P extends Shape,
  Q extends ScopedQuery,
  Row,
  Result extends QueryResult<Row>,
> {
  /** Below `/api/v1`. `:id` is the device the query is about. */
  readonly path: `/${string}`
  readonly permission: Permission
  readonly tag: 'network' | 'readings' | 'heat' | 'rejections' | 'registry'
  readonly summary: string
  readonly parameters: P
  /** Columns with unit, sentence and the way they are shown (`columns.ts`). */
  readonly row: z.ZodType<Row>
  /** Whose rows the caller sees: by the kind of a reading, of a device, or figures without values. */
  readonly scope: 'readings' | 'figures' | 'devices'
  /** `list` and `series` are also CSV; `object` is one row without paging. */
  readonly shape: 'list' | 'series' | 'object'
  /**
   * `store`: every intake on the same store gives the same rows. `state`: each intake knows only
   * what it took in itself.
   */
  readonly sources: readonly ('store' | 'state')[]
  /** Narrows the filter, or fills in what was left out. */
  filter?(given: z.output<z.ZodObject<P>>, viewer: Viewer): Filter | RefusedParameter
  toQuery(given: z.output<z.ZodObject<P>>, request: Request, viewer: Viewer): Q | RefusedParameter
  /** Computes the rows. May say that it would have to read too much. */
  answer(context: QueryContext, query: NoInfer<Q>): Promise<Result | TooMany>
  /** Unit of `limit` in the refusal of a query that reads too much. */
  readonly limitedBy?: string
  /**
   * Orders the rows of a result and tells them apart, so that the API can page it. Left out: the
   * query pages in its source and takes a cursor.
   */
  key?(row: NoInfer<Row>): string
  /**
   * Parameters that the keys of the rows depend on: a cursor continues only a query with the same.
   * Left out where they depend on nothing.
   */
  identity?(given: z.output<z.ZodObject<P>>, viewer: Viewer): readonly (string | number)[]
  /** For pages that are made in the source: rows per step, and bytes at which a page ends. */
  readonly steps?: {
    readonly rows: number
    readonly maxBytes: number
    bytesOf(row: NoInfer<Row>): number
  }
  readonly series?: SeriesMeta<NoInfer<Q>, NoInfer<Result>>
  /** More of `meta`: its schema, and its values from the result. */
  readonly extra?: {
    readonly schema: z.ZodObject
    of(result: NoInfer<Result>, query: NoInfer<Q>): object
  }
  /** Header -> cell, where the columns depend on the query or its rows. */
  csvColumns?(query: NoInfer<Q>, rows: readonly NoInfer<Row>[]): CsvColumns
  /** Units of columns that depend on the query. */
  units?(query: NoInfer<Q>): Readonly<Record<string, string>>
  /** One result of several intakes, for rows that come from their state. */
  merge?(results: readonly NoInfer<Result>[]): NoInfer<Result>
  /** Where a query needs store and state: the part that any intake answers, and that of each. */
  split?(query: NoInfer<Q>): {
    readonly store: NoInfer<Q> | null
    readonly state: NoInfer<Q> | null
  }
  /** The rows of the query as one Parquet file; null where it has none. */
  file?(query: NoInfer<Q>): ReadingsFileRequest | null
}

export interface ReadingsFileRequest extends Span {
  readonly scope: Scope
  readonly kind: Kind
  readonly fields: readonly string[]
  readonly rats: readonly RatChoice[] | null
}

export type Cell = string | number | boolean | null | undefined

/** How a shown row becomes cells, in the order of the columns. */
export type CsvColumns = Readonly<Record<string, (row: Readonly<Record<string, unknown>>) => Cell>>

/** A declaration of which only its presence in the catalogue is known. */
export type AnyQuery = QueryDefinition<Shape, ScopedQuery, unknown, QueryResult<unknown>>

/** Declares a query; the types of its parts follow from one another. */
export function defineQuery<
  P extends Shape,
  Q extends ScopedQuery,
  Row,
  Result extends QueryResult<Row> = QueryResult<Row>,
>(definition: QueryDefinition<P, Q, Row, Result>): QueryDefinition<P, Q, Row, Result> {
  return definition
}

/** A query about one device, whose path holds its id. */
export interface DeviceQuery extends ScopedQuery {
  readonly device: FullId
}
