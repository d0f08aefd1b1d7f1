import { z } from 'zod'
import { KIND_NAMES, isKind, type Kind } from '#lib/telemetry/catalogue.ts'
import { inScope, type Scope } from '#lib/telemetry/scope.ts'
import type { Span } from '#lib/telemetry/span.ts'
import { registerMeterOf } from '#lib/kpi/heat/register-meter.ts'
import type { AggregatesScan } from '#lib/store/scans.ts'
import type { Calendar } from './calendar-scans.ts'
import type { IntakeStateReader } from './intake-state.ts'
import type { RatChoice } from '#lib/telemetry/radio.ts'
import { IDENTIFYING_FIELDS } from '#lib/access/policy.ts'
import {
  deviceParameters,
  everyKey,
  everyParameter,
  fieldsParameter,
  orderParameter,
  pageParameters,
  ratParameter,
  spanParameters,
} from './parameters.ts'
import { defineQuery, type QueryResult, type RefusedParameter, type Viewer } from './query.ts'
import {
  aggregateColumns,
  aggregateRow,
  aggregateRowOf,
  definitionsOf,
  readingColumns,
  readingRow,
  readingRowOf,
  unitsOf,
  type AggregateRow,
  type ReadingRow,
} from './reading-row.ts'
import { coverageOfIntervals } from './span.ts'

const parameters = {
  kind: z
    .enum(KIND_NAMES)
    .optional()
    .describe('May be left out when the devices given are all of one kind.'),
  ...deviceParameters,
  ...spanParameters,
  ...everyParameter,
  ...fieldsParameter,
  ...ratParameter,
  ...orderParameter,
  ...pageParameters,
}

type Given = z.output<z.ZodObject<typeof parameters>>

interface ReadingsQuery extends Span, Calendar {
  readonly scope: Scope
  readonly kind: Kind
  /** What the caller sees, in the order of the columns. */
  readonly fields: readonly string[]
  /** The caller named them; without names a scan of all columns is cheaper. */
  readonly hasFields: boolean
  readonly rats: readonly RatChoice[] | null
  /** Null for raw readings. */
  readonly everyNs: bigint | null
  readonly order: 'asc' | 'desc'
  readonly limit: number
  readonly cursor: string | null
}

export const readings = defineQuery({
  path: '/readings',
  permission: 'readings:read',
  tag: 'readings',
  summary: 'Readings of one kind, raw or per device and interval',
  parameters,
  row: z.union([readingRow, aggregateRow]),
  scope: 'readings',
  shape: 'series',
  sources: ['store'],
  filter(given, viewer) {
    const kind = kindOf(given, viewer)
    if (typeof kind !== 'string') return kind
    return { device: given.device, tenant: given.tenant, kind: [kind] }
  },
  toQuery(given, request, viewer): ReadingsQuery | RefusedParameter {
    const { scope, fromNs, toNs, everyNs, buckets, cursor } = request
    const { order, limit, rat: rats = null } = given
    const kind = kindOf(given, viewer)
    if (typeof kind !== 'string') return kind
    const fields = visibleFields(kind, given.fields, viewer)
    if ('refused' in fields) return fields
    const refused = given.every && refusedWithEvery(given)
    if (refused) return refused
    const hasFields = given.fields !== undefined
    const page = { order, limit, cursor }
    return { scope, kind, fields, hasFields, rats, everyNs, buckets, fromNs, toNs, ...page }
  },
  async answer({ store, state, signal }, query): Promise<QueryResult<ReadingRow | AggregateRow>> {
    const { everyNs, buckets, hasFields, ...rest } = query
    const scan = { ...rest, fields: hasFields ? query.fields : null }
    if (isRaw(query)) {
      const { data, next } = await store.readings(scan, signal)
      return { rows: data.map(readingRowOf), next }
    }
    const meters = metersOf(state, query)
    const { data, next } = await store.aggregates({ ...scan, everyNs, buckets, meters }, signal)
    return { rows: data.map(aggregateRowOf), next }
  },
  series: {
    aggregation: (query) =>
      isRaw(query)
        ? 'none: one row per reading'
        : 'per device and interval: gauges min, mean, max; counters first, last, delta',
    coverageOf: (query) =>
      isRaw(query)
        ? 'cannot be told of raw readings: ask with every'
        : 'share of the intervals with a reading, over the devices asked for (else those in the ' +
          'answer); null on one page of several',
    coverage({ rows, next }, query) {
      const isWhole = query.cursor === null && (next ?? null) === null
      if (!isWhole || isRaw(query)) return null
      const devices = query.scope.devices?.length ?? new Set(rows.map(({ device }) => device)).size
      return coverageOfIntervals(rows.length, devices, query)
    },
  },
  identity(given, viewer) {
    const kind = kindOf(given, viewer)
    const rats = given.rat?.toSorted().join() ?? ''
    return [
      typeof kind === 'string' ? kind : '',
      everyKey(given.every) ?? 'raw',
      given.order,
      ...(rats ? [rats] : []),
    ]
  },
  units: ({ kind, fields }) => unitsOf(kind, fields),
  csvColumns: ({ kind, fields, ...query }) =>
    isRaw(query) ? readingColumns(fields) : aggregateColumns(kind, fields),
  file({ scope, kind, fields, rats, fromNs, toNs, ...query }) {
    return isRaw(query) ? { scope, kind, fields, rats, fromNs, toNs } : null
  },
})

/** What only raw readings have. */
function refusedWithEvery({ order, rat }: Given): RefusedParameter | undefined {
  if (order === 'desc') {
    const detail = 'expected asc together with every, got desc; leave one of them out'
    return { refused: 'unusable', path: 'order', detail }
  }
  if (!rat) return undefined
  const detail = `expected no rat together with every, got ${rat.join(', ')}; leave one of them out`
  return { refused: 'unusable', path: 'rat', detail }
}

/** One row per reading. */
function isRaw({ everyNs, buckets }: Pick<ReadingsQuery, 'everyNs' | 'buckets'>): boolean {
  return everyNs === null && !buckets
}

/** What the settings say of the registers of the meters in a query. */
function metersOf({ heat }: IntakeStateReader, { scope, kind }: ReadingsQuery): Meters {
  const devices = heat.devices().filter((device) => device.kind === kind)
  const seen = devices.filter(({ id }) => inScope(scope, id))
  return Object.fromEntries(seen.map(({ id, settings }) => [id, registerMeterOf(settings)]))
}

type Meters = NonNullable<AggregatesScan['meters']>

/** One kind per query: given, or the one that all devices given have. */
function kindOf({ kind, device }: Given, viewer: Viewer): Kind | RefusedParameter {
  if (kind) return kind
  const known = KIND_NAMES.join(', ')
  const refused = (got: string, todo: string): RefusedParameter => {
    const detail = `expected one of ${known}, ${got}; ${todo}`
    return { refused: 'unusable', path: 'kind', detail }
  }
  if (!device) return refused('or a device, got neither', 'give one')
  const kinds = new Set<string>()
  for (const name of device) {
    const found = viewer.kindOf(name)
    if (found === null) return { refused: 'unknown_device', path: 'device', detail: name }
    kinds.add(found)
  }
  const [only = ''] = kinds
  if (kinds.size === 1 && isKind(only)) return only
  return refused(`got devices of ${[...kinds].join(', ')}`, 'add kind to the address')
}

/** The fields of a query: those named in it, else all the caller may see. */
function visibleFields(
  kind: Kind,
  named: readonly string[] | undefined,
  { role, seesPositions }: Viewer,
): readonly string[] | RefusedParameter {
  const all = Object.keys(definitionsOf(kind))
  const unknown = named?.find((name) => !all.includes(name))
  if (unknown !== undefined) {
    const known = all.join(', ')
    const detail = `expected fields of ${kind} (${known}), got "${unknown}"; correct it`
    return { refused: 'unusable', path: 'fields', detail }
  }
  if (seesPositions) return named ?? all
  const hidden = named?.find((name) => IDENTIFYING_FIELDS.has(name))
  if (hidden === undefined) return (named ?? all).filter((name) => !IDENTIFYING_FIELDS.has(name))
  const detail = `fields: role ${role} sees nothing that tells where or whose a device is, such as ${hidden}`
  return { refused: 'forbidden', path: 'fields', detail }
}
