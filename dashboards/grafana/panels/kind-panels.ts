import { KINDS, type Kind } from '#lib/telemetry/catalogue.ts'
import type { FieldDefinition, FieldRole } from '#lib/telemetry/field.ts'
import { OF_DEVICE } from '../queries/variables.ts'
import type { Panel } from './panel.ts'
import { seriesPanel } from './series-panel.ts'
import { tablePanel } from './table-panel.ts'

/*
 * Panels of a kind come from the catalogue: one for the gauges of each unit, one for the counters of
 * each unit, and a table of the states. A new kind or field needs no change here.
 */
export function panelsOfKind(kind: Kind): Panel[] {
  const fields = Object.entries<FieldDefinition>(KINDS[kind].fields)
  const ofRole = (role: FieldRole) => fields.filter(([, field]) => field.role === role)
  const states = ofRole('state')
  return [
    ...byUnit(ofRole('gauge')).map(([unit, group]) => gaugePanel(kind, unit, group)),
    ...byUnit(ofRole('counter')).map(([unit, group]) => counterPanel(kind, unit, group)),
    ...(states.length > 0 ? [statePanel(kind, states)] : []),
  ]
}

type Field = readonly [name: string, definition: FieldDefinition]

function gaugePanel(kind: Kind, unit: string, fields: readonly Field[]): Panel {
  const columns = fields.map(([name]) => `mean("${keyOf(name)}") AS "${name}"`)
  return seriesPanel({
    id: stableId(`${kind} gauge ${unit}`),
    title: titleOf(kind, 'gauges', unit),
    description: `Mean of the interval.\n\n${sentences(fields)}`,
    unit,
    isFromZero: false,
    minInterval: '10s',
    queries: [
      {
        influxql: `${overTime(columns, kind)} GROUP BY time($__interval) fill(none)`,
        alias: '$col',
      },
    ],
  })
}

function counterPanel(kind: Kind, unit: string, fields: readonly Field[]): Panel {
  const columns = fields.map(([name]) => `last("${keyOf(name)}") AS "${name}"`)
  return seriesPanel({
    id: stableId(`${kind} counter ${unit}`),
    title: titleOf(kind, 'counters', unit),
    description: `Last value of the interval.\n\n${sentences(fields)}`,
    unit,
    look: 'steps',
    isFromZero: false,
    minInterval: '10s',
    queries: [
      {
        influxql: `${overTime(columns, kind)} GROUP BY time($__interval) fill(none)`,
        alias: '$col',
      },
    ],
  })
}

function statePanel(kind: Kind, fields: readonly Field[]): Panel {
  const columns = fields.map(([name]) => `last("${keyOf(name)}") AS "${name}"`)
  return tablePanel({
    id: stableId(`${kind} state`),
    title: `${kind}: last states`,
    description: sentences(fields),
    unit: '',
    queries: [{ influxql: `${overTime(columns, kind)} GROUP BY "device"`, format: 'table' }],
    columns: ['device', ...fields.map(([name]) => name)],
  })
}

function overTime(columns: readonly string[], kind: Kind): string {
  return `SELECT ${columns.join(', ')} FROM "${kind}" WHERE $timeFilter AND ${OF_DEVICE}`
}

/** A field with the name of a tag has another name in InfluxDB. */
function keyOf(name: string): string {
  return TAGS.has(name) ? `f_${name}` : name
}

const TAGS: ReadonlySet<string> = new Set(['tenant', 'device', 'channel', 'rat'])

function titleOf(kind: Kind, what: string, unit: string): string {
  return unit === '' ? `${kind}: ${what} without unit` : `${kind}: ${what} in ${unit}`
}

function sentences(fields: readonly Field[]): string {
  return fields.map(([name, { description }]) => `${name}: ${description}`).join('\n\n')
}

function byUnit(fields: readonly Field[]): (readonly [unit: string, fields: Field[]])[] {
  return [...Map.groupBy(fields, ([, { unit }]) => unit)]
}

/**
 * An id that does not change when kinds, fields or units are added: FNV-1a of its name, above the
 * ids that are chosen by hand. A test checks that no two are the same.
 */
export function stableId(name: string): number {
  let hash = 0x811c9dc5
  for (const byte of new TextEncoder().encode(name)) {
    hash = Math.imul(hash ^ byte, 0x01000193) >>> 0
  }
  return FIRST_MADE_ID + (hash % MADE_IDS)
}

const FIRST_MADE_ID = 1000
const MADE_IDS = 1_000_000
