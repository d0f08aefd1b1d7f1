import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { BOARDS } from '../../../../dashboards/grafana/boards.ts'
import { GRAFANA_FILES } from '../../../../dashboards/grafana/generated.ts'
import {
  panelsOf,
  queryOfVariable,
  readBoards,
  type BoardJson,
  type PanelJson,
} from '../../../support/grafana/boards-json.ts'
import { percentileFaults } from './percentile-rule.ts'

const ROOT = new URL('../../../..', import.meta.url).pathname
const FOLDER = join(ROOT, 'dashboards/grafana')
const BOARDS_JSON = readBoards()

/** A variable in a text, with or without a format. Macros of the data source are not variables. */
const USE = /\$\{(\w+)(?::(\w+))?\}|\$(\w+)/g
const MACROS = new Set(['timeFilter', '__interval', '__interval_ms'])

function usesIn(text: string): { name: string; format: string | undefined }[] {
  return [...text.matchAll(USE)]
    .map(([, braced, format, plain]) => ({ name: braced ?? plain ?? '', format }))
    .filter(({ name }) => !MACROS.has(name) && name !== 'col')
}

describe('the boards', () => {
  it('are committed as generated', () => {
    for (const [path, make] of Object.entries(GRAFANA_FILES)) {
      expect(readFileSync(join(ROOT, path), 'utf8'), `${path}: run npm run generate`).toBe(make())
    }
    const committed = readdirSync(join(FOLDER, 'generated')).map(
      (name) => `dashboards/grafana/generated/${name}`,
    )
    expect(committed.filter((path) => !Object.hasOwn(GRAFANA_FILES, path))).toEqual([])
  })

  it('are one file each, all in the list', () => {
    expect(readdirSync(join(FOLDER, 'boards'))).toHaveLength(BOARDS.length)
    expect(new Set(BOARDS.map(({ uid }) => uid)).size).toBe(BOARDS.length)
    expect(new Set(BOARDS.map(({ title }) => title)).size).toBe(BOARDS.length)
  })

  describe.each(BOARDS_JSON)('$title', (board) => {
    it('has a uid that Grafana accepts, a schema version and a description', () => {
      expect(board.uid).toMatch(/^[a-z0-9-]{8,40}$/)
      expect(board.schemaVersion).toBeGreaterThan(36)
      expect(board.description.length).toBeGreaterThan(20)
    })

    it('has a unique id for every row and panel', () => {
      const ids = board.panels.flatMap(({ id, panels = [] }) => [id, ...panels.map((p) => p.id)])
      expect(ids.every((id) => Number.isInteger(id) && id > 0)).toBe(true)
      expect(new Set(ids).size).toBe(ids.length)
    })

    it('has no overlapping panels', () => {
      const closed = board.panels.filter(({ panels }) => panels && panels.length > 0)
      expect(overlapsOf(board.panels)).toEqual([])
      for (const { panels = [] } of closed) expect(overlapsOf(panels)).toEqual([])
    })

    it('gives every panel a title, a description, a unit and a data source', () => {
      for (const panel of panelsOf(board)) {
        expect(panel.title, `${panel.id}`).not.toBe('')
        expect(panel.description?.length ?? 0, panel.title).toBeGreaterThan(20)
        expect(panel.fieldConfig?.defaults.unit, panel.title).toBeTruthy()
        expect(panel.datasource, panel.title).toEqual({ type: 'influxdb', uid: 'padborg-influx' })
        expect(panel.targets?.length ?? 0, panel.title).toBeGreaterThan(0)
      }
    })

    it('queries in InfluxQL, within the chosen time', () => {
      for (const panel of panelsOf(board)) {
        for (const [at, target] of (panel.targets ?? []).entries()) {
          expect(target.refId).toBe('ABCDEFGH'[at])
          expect(target.rawQuery).toBe(true)
          expect(target.datasource).toEqual({ type: 'influxdb', uid: 'padborg-influx' })
          const sources = [...target.query.matchAll(/\bFROM\b(?! \()/g)].length
          const bounded = [...target.query.matchAll(/\$timeFilter/g)].length
          expect(bounded, target.query).toBeGreaterThanOrEqual(sources)
          const isBound = panel.interval !== undefined || !target.query.includes('$__interval')
          expect(isBound, `${panel.title}: smallest interval`).toBe(true)
        }
      }
    })

    it('uses only its own variables, after those they depend on, each with its format', () => {
      const names: string[] = []
      for (const variable of board.templating.list) {
        for (const { name, format } of usesIn(queryOfVariable(variable) ?? '')) {
          expect(names, `${variable.name} uses ${name}`).toContain(name)
          expect(format).toBeDefined()
        }
        names.push(variable.name)
      }
      const used = new Set<string>()
      for (const panel of panelsOf(board)) {
        for (const { query } of panel.targets ?? []) {
          for (const { name, format } of usesIn(query)) {
            expect(names, `${panel.title} uses ${name}`).toContain(name)
            expect(format, `${panel.title}: ${name} without a format`).toBeDefined()
            used.add(name)
          }
        }
        const inTitle = usesIn(panel.title).map(({ name }) => name)
        for (const name of [panel.repeat ?? [], inTitle].flat()) expect(names).toContain(name)
      }
      for (const variable of board.templating.list) {
        for (const { name } of usesIn(queryOfVariable(variable) ?? '')) used.add(name)
      }
      expect(names.filter((name) => !used.has(name))).toEqual([])
    })

    it('arranges only columns that its tables have', () => {
      for (const panel of panelsOf(board).filter(({ type }) => type === 'table')) {
        const columns = columnsOf(panel)
        for (const { id, options } of panel.transformations ?? []) {
          const { indexByName = {}, renameByName = {}, fields = {} } = arranging.parse(options)
          for (const name of Object.keys({ ...indexByName, ...renameByName, ...fields })) {
            const plain = name.replace(/ \((sum|mean)\)$/, '')
            expect(columns, `${panel.title}: ${id}`).toContain(plain)
          }
        }
      }
    })

    it('shows percentiles per minute and key, never averaged', () => {
      expect(panelsOf(board).flatMap(percentileFaults)).toEqual([])
    })
  })
})

describe('the rule on percentiles', () => {
  const like = (query: string, more: Partial<PanelJson> = {}): PanelJson => ({
    id: 1,
    type: 'timeseries',
    title: 'p95 by RAT',
    gridPos: { x: 0, y: 0, w: 1, h: 1 },
    targets: [
      {
        refId: 'A',
        query,
        rawQuery: true,
        resultFormat: 'time_series',
        datasource: { type: 'influxdb', uid: 'x' },
      },
    ],
    ...more,
  })
  const raw = 'SELECT "p95Ms" AS "p95" FROM "latency_minute" GROUP BY "tenant", "key"'
  const worst =
    'SELECT max("p99Ms") FROM "latency_minute" GROUP BY time($__interval), "tenant", "key" fill(none)'

  it('allows minutes as they are, and the worst minute with a title that says so', () => {
    expect(percentileFaults(like(raw))).toEqual([])
    expect(percentileFaults(like(worst, { title: 'Worst minute by cell' }))).toEqual([])
  })

  it.each([
    ['a mean', like(raw.replace('"p95Ms"', 'mean("p95Ms")'))],
    ['a last value', like(raw.replace('"p95Ms"', 'last("p95Ms")'))],
    ['a percentile of percentiles', like(raw.replace('"p95Ms"', 'PERCENTILE("p95Ms", 95)'))],
    ['a worst minute that does not say so', like(worst)],
    ['a sum over tenants', like(raw.replace(' GROUP BY "tenant", "key"', ''))],
    ['a subquery', like(`SELECT mean("p95") FROM (${raw}) GROUP BY "tenant", "key"`)],
    ['arithmetic', like(raw.replace('"p95Ms" AS', '"p95Ms" / 2 AS'))],
    ['a single number', like(raw, { type: 'stat' })],
    ['a transformation', like(raw, { transformations: [{ id: 'reduce', options: {} }] })],
  ])('refuses %s', (_, panel) => {
    expect(percentileFaults(panel)).not.toEqual([])
  })
})

const arranging = z.object({
  indexByName: z.record(z.string(), z.number()).optional(),
  renameByName: z.record(z.string(), z.string()).optional(),
  fields: z.record(z.string(), z.unknown()).optional(),
})

/** Grafana's columns of a table: the time, the tags of a group and the columns by their names. */
function columnsOf({ targets = [] }: PanelJson): string[] {
  const named = targets.flatMap(({ query }) => [
    ...[...query.matchAll(/ AS "(\w+)"/g)].map(([, name = '']) => name),
    ...[...(query.split(' GROUP BY ').at(-1) ?? '').matchAll(/"(\w+)"/g)].map(
      ([, name = '']) => name,
    ),
  ])
  return ['Time', ...named]
}

function overlapsOf(panels: BoardJson['panels']): string[] {
  const places = panels.map(({ id, gridPos }) => ({ id, ...gridPos }))
  return places.flatMap((a, at) => [
    ...(a.x < 0 || a.x + a.w > 24 || a.w < 1 || a.h < 1 ? [`${a.id} leaves the grid`] : []),
    ...places
      .slice(at + 1)
      .filter((b) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h)
      .map((b) => `${a.id} lies over ${b.id}`),
  ])
}
