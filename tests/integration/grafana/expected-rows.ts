import { expect } from 'vitest'
import type { Point } from '#lib/store/influx/write/line.ts'
import type { Row } from '../../support/grafana/data-source.ts'
import type { Span } from '../../support/grafana/interpolate.ts'

/** What a panel must show, computed from the seeded points and not by InfluxDB. */
export interface Expected {
  readonly from: string | readonly string[]
  readonly where?: (tags: Readonly<Record<string, string>>, point: Point) => boolean
  readonly group: readonly string[]
  /** Length of an interval, or the start of the interval of a time; none: one row per group. */
  readonly every?: number | ((timeMs: number) => number) | 'each point'
  readonly columns: Readonly<Record<string, Figure>>
  /** Growth from one interval to the next, or that per second. */
  readonly growth?: 'difference' | 'per second'
}

/** A figure of the points of a group and interval, in the order of time. */
export type Figure = (points: readonly Point[]) => unknown

const numbers = (points: readonly Point[], field: string) =>
  points.flatMap(({ fields }) => (fields[field] === undefined ? [] : [Number(fields[field])]))

const orNull = (values: readonly number[], make: (values: readonly number[]) => number) =>
  values.length === 0 ? null : make(values)

export const sum =
  (field: string, factor = 1): Figure =>
  (points) =>
    orNull(numbers(points, field), (all) => all.reduce((a, b) => a + b, 0) * factor)

export const mean =
  (field: string): Figure =>
  (points) =>
    orNull(numbers(points, field), (all) => all.reduce((a, b) => a + b, 0) / all.length)

export const max =
  (field: string): Figure =>
  (points) =>
    orNull(numbers(points, field), (all) => Math.max(...all))

export const last =
  (field: string): Figure =>
  (points) =>
    plain(points.findLast(({ fields }) => fields[field] !== undefined)?.fields[field])

/** The smallest of the last values of the intakes. */
export const leastOfNodes =
  (field: string): Figure =>
  (points) => {
    const nodes = Map.groupBy(points, ({ tags }) => tags['node'])
    const lasts = [...nodes.values()].map((all) => last(field)(all)).filter((one) => one !== null)
    return lasts.length === 0 ? null : Math.min(...lasts.map(Number))
  }

/** A field of the point in which another one is smallest, or last. */
export const where =
  (pick: 'smallest' | 'last', of: string, field: string): Figure =>
  (points) => {
    const having = points.filter(({ fields }) => fields[of] !== undefined)
    const least = Math.min(...numbers(having, of))
    const found =
      pick === 'last' ? having.at(-1) : having.find(({ fields }) => Number(fields[of]) === least)
    return plain(found?.fields[field])
  }

function plain(value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : (value ?? null)
}

/** Compares the rows of a result with the expected ones, one by one. */
export function expectRows(
  rows: readonly Row[],
  points: readonly Point[],
  { span, ...expected }: Expected & { readonly span: Span },
): void {
  const want = rowsOf(points, expected, span)
  const timeless = expected.every === undefined
  const got = new Map(
    rows.map((row) => [nameOf(row.measurement, row.tags, timeless ? 0 : row.timeMs), row.values]),
  )
  expect(want.size, 'the seed has nothing for this').toBeGreaterThan(0)
  expect(got.size, 'two rows with one name').toBe(rows.length)
  expect([...got.keys()].toSorted()).toEqual([...want.keys()].toSorted())
  for (const [name, values] of want) {
    for (const [column, value] of Object.entries(values)) {
      const shown = got.get(name)?.[column]
      const what = `${name} ${column}`
      if (typeof value === 'number') {
        const tolerance = Math.max(1e-9, Math.abs(value) * 1e-9)
        expect(Math.abs(Number(shown ?? Number.NaN) - value), what).toBeLessThanOrEqual(tolerance)
      } else expect(shown ?? null, what).toBe(value)
    }
  }
}

type Values = Readonly<Record<string, unknown>>

function rowsOf(points: readonly Point[], expected: Expected, span: Span): Map<string, Values> {
  const { from, where: isIncluded = () => true, group, every, columns } = expected
  // Growth reaches back to the interval before the first.
  const reachMs = expected.growth && typeof every === 'number' ? every : 0
  const groups = new Map<string, Point[]>()
  const keys = new Map<string, { name: string; series: string; timeMs: number }>()
  for (const point of points) {
    const timeMs = Number(point.timeNs) / 1e6
    if (![from].flat().includes(point.measurement) || !isIncluded(point.tags, point)) continue
    if (timeMs < span.fromMs - reachMs || timeMs > span.toMs) continue
    const tags = Object.fromEntries(group.map((name) => [name, point.tags[name] ?? '']))
    const start = startOf(timeMs, every)
    const name = nameOf(point.measurement, tags, start)
    keys.set(name, { name, series: nameOf(point.measurement, tags, 0), timeMs: start })
    const members = groups.get(name)
    if (members) members.push(point)
    else groups.set(name, [point])
  }
  const rows = [...keys.values()]
    .toSorted((a, b) => a.timeMs - b.timeMs)
    .map((key) => ({
      ...key,
      values: Object.fromEntries(
        Object.entries(columns).map(([column, figure]) => [
          column,
          figure(groups.get(key.name) ?? []),
        ]),
      ) as Values,
    }))
    .filter(({ values }) => Object.values(values).some((value) => value !== null))
  const grown = expected.growth ? growthOf(rows, expected.growth) : rows
  return new Map(grown.map(({ name, values }) => [name, values]))
}

interface ExpectedRow {
  readonly name: string
  readonly series: string
  readonly timeMs: number
  readonly values: Values
}

function growthOf(
  rows: readonly ExpectedRow[],
  growth: 'difference' | 'per second',
): ExpectedRow[] {
  const before = new Map<string, ExpectedRow>()
  return rows.flatMap((row) => {
    const earlier = before.get(row.series)
    before.set(row.series, row)
    if (!earlier) return []
    const seconds = growth === 'difference' ? 1 : (row.timeMs - earlier.timeMs) / 1000
    const values = Object.entries(row.values).map(([column, value]) => [
      column,
      (Number(value) - Number(earlier.values[column])) / seconds,
    ])
    return [{ ...row, values: Object.fromEntries(values) as Values }]
  })
}

function startOf(timeMs: number, every: Expected['every']): number {
  if (every === undefined) return 0
  if (every === 'each point') return timeMs
  return typeof every === 'function' ? every(timeMs) : timeMs - (timeMs % every)
}

function nameOf(
  measurement: string,
  tags: Readonly<Record<string, string>>,
  timeMs: number | null,
): string {
  const pairs = Object.entries(tags).map(([name, value]) => `${name}=${value}`)
  return [measurement, ...pairs.toSorted(), timeMs ?? ''].join(' ')
}
