import { KINDS, KIND_NAMES, type Kind } from '#lib/telemetry/catalogue.ts'
import type { Scope } from '#lib/telemetry/scope.ts'
import type { Span } from '#lib/telemetry/span.ts'
import type { Timed } from '../figures/figure-sums.ts'
import { identifier, kindsIn, scopeConditions } from '../client/influxql.ts'
import { pagesOf } from '../client/pages.ts'
import { fieldKey, radioKey } from '../write/reading-point.ts'
import {
  bigintIn,
  numberIn,
  numberOrNull,
  ownColumns,
  ownRows,
  textIn,
  textOrNull,
  type Row,
} from './rows.ts'
import type { ScanContext } from './view.ts'

/** A raw reading, as far as figures need it. */
export interface RawRow extends Timed {
  readonly device: string
  readonly kind: Kind
  readonly channel: string
  readonly seq: number | null
  readonly position: number
  readonly readingOrdinal: number
  readonly journal: string
  readonly bytes: number
  readonly keys: readonly (string | null)[]
}

/** Raw readings of a span, kind by kind, some thousands at once. */
export async function* rawRows(
  { influx, signal }: ScanContext,
  scope: Scope,
  span: Span,
): AsyncGenerator<RawRow[]> {
  const where = scopeConditions(scope)
  if (!where || span.fromNs >= span.toNs) return
  for (const kind of kindsIn(scope)) {
    const selection = { measurement: kind, columns: COLUMNS[kind], span, where, exact: true }
    for await (const rows of pagesOf(influx, selection, signal)) {
      yield ownRows(influx, { measurement: kind, rows }, (row) => rawRow(row, kind))
    }
  }
}

/** The rows of several spans one by one. */
export async function* eachRow(
  context: ScanContext,
  scope: Scope,
  spans: readonly Span[],
): AsyncGenerator<RawRow> {
  for (const span of spans) for await (const rows of rawRows(context, scope, span)) yield* rows
}

const INTEGERS = ['timeNs', 'receivedAtNs', 'flags', 'bytes', 'seq', 'position', 'index']

const hasRtt = (kind: Kind) => Object.hasOwn(KINDS[kind].fields, 'rttMs')

const columnsOf = (kind: Kind): string => {
  const radio = (['cellId', 'operator', 'band'] as const).map((name) => radioKey(kind, name))
  const rtt = hasRtt(kind) ? [fieldKey('rttMs')] : []
  const names = ['uplinkMs', 'clockBoundMs', ...radio, ...rtt]
  const fields = names.map((name) => `${identifier(name)}::field`)
  return [ownColumns(INTEGERS), ...fields, '"device"::tag', '"channel"::tag', '"rat"::tag'].join(
    ', ',
  )
}

// The keys are those of KINDS.
const COLUMNS = Object.fromEntries(KIND_NAMES.map((kind) => [kind, columnsOf(kind)])) as Record<
  Kind,
  string
>

function rawRow(row: Row, kind: Kind): RawRow {
  const device = textIn(row, 'device')
  const radio = (['cellId', 'operator', 'band'] as const).map((name) =>
    textOrNull(row, radioKey(kind, name)),
  )
  return {
    device,
    kind,
    channel: textIn(row, 'channel'),
    seq: numberOrNull(row, 'seq'),
    timeNs: bigintIn(row, 'timeNs'),
    receivedAtNs: bigintIn(row, 'receivedAtNs'),
    position: numberIn(row, 'position'),
    readingOrdinal: numberIn(row, 'index'),
    journal: textIn(row, 'journal'),
    flags: numberIn(row, 'flags'),
    bytes: numberIn(row, 'bytes'),
    uplinkMs: numberOrNull(row, 'uplinkMs'),
    clockBoundMs: numberOrNull(row, 'clockBoundMs'),
    rttMs: hasRtt(kind) ? numberOrNull(row, fieldKey('rttMs')) : null,
    keys: [device, kind, textOrNull(row, 'rat'), ...radio],
  }
}
