import { fieldKey } from '#lib/store/influx/write/reading-point.ts'
import { KIND_NAMES, KINDS } from '#lib/telemetry/catalogue.ts'
import type { FieldDefinition } from '#lib/telemetry/field.ts'
import { boardOf, panelsOf, type PanelJson } from '../../support/grafana/boards-json.ts'
import { last, mean, where, type Expected } from './expected-rows.ts'
import {
  counters,
  grown,
  MINUTE_MS,
  ofChosen,
  percentiles,
  perSecond,
  silence,
  type Selection,
} from './expected-series.ts'

const BOARD = 'padborg-device'

export function deviceBoard(selection: Selection): Record<string, Expected> {
  const { isTenant, isDevice, stage } = selection
  const ofKey = ({ key = '' }: Readonly<Record<string, string>>) => isDevice(key)
  return {
    [`${BOARD}/11/A`]: silence(isDevice),
    [`${BOARD}/12/A`]: counters(isDevice),
    [`${BOARD}/21/A`]: percentiles(
      { by: 'device', stage, isTenant, and: ofKey },
      { p50: last('p50Ms'), p95: last('p95Ms'), p99: last('p99Ms') },
    ),
    [`${BOARD}/22/A`]: perSecond('messages', 'device', ofChosen(isDevice)),
    [`${BOARD}/23/A`]: grown(['lost', 'rejected', 'duplicate', 'late'], isDevice),
    [`${BOARD}/31/A`]: {
      from: KIND_NAMES.filter((kind) => KINDS[kind].retention === 'fleet'),
      where: ({ device = '' }) => isDevice(device),
      group: ['device'],
      every: MINUTE_MS,
      columns: Object.fromEntries(
        ['lat', 'lon', 'rsrpDbm'].map((name) => [name, where('last', 'lat', name)]),
      ),
    },
    ...kindPanels(isDevice),
  }
}

/** Titles of these panels read "truck: gauges in km/h": kind, role and unit. */
const TITLE = /^(?<kind>\w+): (?<role>gauge|counter|last state)s(?: in (?<unit>.+))?/

function kindPanels(isDevice: Selection['isDevice']): Record<string, Expected> {
  const panels = panelsOf(boardOf(BOARD)).filter(({ id }) => id >= 1000)
  return Object.fromEntries(
    panels.map((panel) => [`${BOARD}/${panel.id}/A`, ofKind(panel, isDevice)]),
  )
}

function ofKind({ title }: PanelJson, isDevice: Selection['isDevice']): Expected {
  const { kind = '', role = '', unit = '' } = TITLE.exec(title)?.groups ?? {}
  const found = KIND_NAMES.find((name) => name === kind)
  if (!found) throw new Error(`${title}: no kind`)
  const isState = role === 'last state'
  const names = Object.entries<FieldDefinition>(KINDS[found].fields)
    .filter(([, field]) =>
      isState ? field.role === 'state' : field.role === role && field.unit === unit,
    )
    .map(([name]) => name)
  const figure = role === 'gauge' ? mean : last
  return {
    from: kind,
    where: ({ device = '' }) => isDevice(device),
    group: isState ? ['device'] : [],
    ...(isState ? {} : { every: MINUTE_MS }),
    columns: Object.fromEntries(names.map((name) => [name, figure(fieldKey(name))])),
  }
}
