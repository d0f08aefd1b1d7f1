import {
  NEAREST,
  type CounterReading,
  type CounterSource,
} from '#lib/kpi/counter/counter-deltas.ts'
import { KINDS, type Kind } from '#lib/telemetry/catalogue.ts'
import { flagNames } from '#lib/telemetry/flags.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { Span } from '#lib/telemetry/span.ts'
import { DAY_NS, HOUR_NS } from '#lib/telemetry/time-grid.ts'
import { withinRange } from '../figures/latency-values.ts'
import {
  isOneOf,
  numberIn,
  numberOrNull,
  rowsOf,
  textIn,
  textOrNull,
  bigintIn,
  type Row,
} from '../files/sql.ts'
import { fieldColumn } from '../write/columns.ts'
import { rawSource } from './raw-source.ts'
import type { ScanContext } from './view.ts'

const ORDER = 'time_ns, position, idx'

/** How far the nearest readings are looked for, step by step, in those devices that lack some. */
const LOOKS_NS = [6n * HOUR_NS, 7n * DAY_NS]
/** The last reading before is looked for in all files. */
const ANY_NS = 100n * 366n * DAY_NS

interface CounterOfKind {
  readonly kind: Kind
  readonly name: string
  readonly span: Span
}

/** Readings of one counter of one kind, within a span and beside it. */
export class DuckCounter implements CounterSource {
  readonly #context: ScanContext
  readonly #counter: CounterOfKind

  constructor(context: ScanContext, counter: CounterOfKind) {
    this.#context = context
    this.#counter = counter
  }

  async before(devices: readonly FullId[]): Promise<readonly CounterReading[]> {
    const { fromNs } = this.#counter.span
    const found: CounterReading[] = []
    let wanted = devices
    for (const lookNs of [...LOOKS_NS, ANY_NS]) {
      if (wanted.length === 0) break
      const near = Map.groupBy(
        await this.#nearest(wanted, { fromNs: fromNs - lookNs, toNs: fromNs }, 'DESC'),
        ({ device }) => device,
      )
      // Once a week is looked through, what was found in it is enough.
      const least = lookNs === LOOKS_NS[0] ? NEAREST : 1
      const isFound = (device: FullId) =>
        lookNs === ANY_NS || (near.get(device)?.length ?? 0) >= least
      found.push(...wanted.filter(isFound).flatMap((device) => near.get(device) ?? []))
      wanted = wanted.filter((device) => !isFound(device))
    }
    return found
  }

  async after(devices: readonly FullId[]): Promise<readonly CounterReading[]> {
    const { toNs } = this.#counter.span
    const [soonNs = 0n, laterNs = 0n] = LOOKS_NS
    const soon = await this.#nearest(devices, { fromNs: toNs, toNs: toNs + soonNs }, 'ASC')
    const count = Map.groupBy(soon, ({ device }) => device)
    const lacking = devices.filter((device) => (count.get(device)?.length ?? 0) < NEAREST)
    if (lacking.length === 0) return soon
    const later = await this.#nearest(lacking, { fromNs: toNs, toNs: toNs + laterNs }, 'ASC')
    return [...soon.filter(({ device }) => !lacking.includes(device)), ...later]
  }

  async fallen(devices: readonly FullId[]): Promise<readonly FullId[]> {
    const rows = this.#rows(devices, this.#counter.span)
    const found = await rowsOf(
      this.#context.connection,
      `SELECT DISTINCT device FROM (
         SELECT device, value < lag(value) OVER w
           OR (time_ns = lag(time_ns) OVER w AND value <> lag(value) OVER w) AS fell
         FROM ${rows} WINDOW w AS (PARTITION BY device ORDER BY ${ORDER}))
       WHERE fell`,
    )
    return found.map((row) => textIn(row, 'device'))
  }

  async *readings(devices: readonly FullId[]): AsyncGenerator<readonly CounterReading[]> {
    const rows = this.#rows(devices, this.#counter.span)
    const result = await this.#context.connection.stream(
      `SELECT * FROM ${rows} ORDER BY device, ${ORDER}`,
    )
    for await (const found of result.yieldRowObjects()) yield readingsIn(found)
  }

  async #nearest(devices: readonly FullId[], span: Span, direction: 'ASC' | 'DESC') {
    const order = `${ORDER.replaceAll(',', ` ${direction},`)} ${direction}`
    const found = await rowsOf(
      this.#context.connection,
      `SELECT * FROM ${this.#rows(devices, span)}
       QUALIFY row_number() OVER (PARTITION BY device ORDER BY ${order}) <= ${NEAREST}
       ORDER BY device, ${ORDER}`,
    )
    return readingsIn(found)
  }

  #rows(devices: readonly FullId[], span: Span): string {
    const { kind, name } = this.#counter
    return sourceOf(this.#context, kind, name, devices, span)
  }
}

function sourceOf(
  { view }: ScanContext,
  kind: Kind,
  name: string,
  devices: readonly FullId[],
  span: Span,
): string {
  const value = withinRange(fieldColumn(name), KINDS[kind].fields[name])
  const also = ['meterId', 'status', 'operatingHoursH'].map(fieldColumn)
  const [meter, status, hours] = also
  const rows = rawSource(view, {
    kinds: [kind],
    span,
    columns: [
      ...new Set(['device', 'time_ns', 'position', 'idx', 'flags', fieldColumn(name), ...also]),
    ],
    where: [isOneOf('device', devices), `(${value}) IS NOT NULL`],
  })
  return `(SELECT device, time_ns, position, idx, flags, ${fieldColumn(name)} AS value,
    ${meter} AS meter, ${status} AS status, ${hours} AS hours FROM ${rows})`
}

function readingsIn(rows: readonly Row[]): CounterReading[] {
  return rows.map((row) => ({
    device: textIn(row, 'device'),
    timeNs: bigintIn(row, 'time_ns'),
    energyKwh: numberIn(row, 'value'),
    meterId: textOrNull(row, 'meter'),
    flags: flagNames(numberIn(row, 'flags')),
    status: textOrNull(row, 'status'),
    operatingHoursH: numberOrNull(row, 'hours'),
  }))
}
