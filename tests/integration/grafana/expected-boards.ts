import type { Span } from '../../support/grafana/interpolate.ts'
import { deviceBoard } from './expected-device-board.ts'
import { pipelineBoard } from './expected-pipeline-board.ts'
import { last, max, mean, sum, where, type Expected } from './expected-rows.ts'
import {
  counted,
  counters,
  coverageTotal,
  grown,
  heatOf,
  heatTotal,
  known,
  lastOfPipeline,
  MINUTE_MS,
  ofChosen,
  percentiles,
  perSecond,
  silence,
  silentCount,
  type Selection,
  type Tags,
} from './expected-series.ts'
import { HEAT_SPAN, SPAN } from './seed.ts'

/** `<board>/<panel>/<refId>` -> what it must show. Panels of kinds come from the catalogue. */
export function expectations(selection: Selection): Record<string, Expected & { span: Span }> {
  const all = {
    ...overview(selection),
    ...latencyRadio(selection),
    ...delivery(selection),
    ...heat(selection),
    ...deviceBoard(selection),
    ...pipelineBoard(),
  }
  return Object.fromEntries(
    Object.entries(all).map(([key, expected]) => [
      key,
      { ...expected, span: isHeat(key, expected) ? HEAT_SPAN : SPAN },
    ]),
  )
}

const isHeat = (key: string, { from }: Expected) =>
  key.startsWith('padborg-heat/') || from === 'heat_hourly'

const FLEET = ['truck', 'robot', 'radio', 'probe']

function overview({ isTenant, isOfTenants }: Selection): Record<string, Expected> {
  const ofTenant = ({ tenant = '' }: Tags) => isTenant(tenant)
  return {
    'padborg-overview/11/A': {
      from: 'delivery_minute',
      where: ofTenant,
      group: [],
      every: MINUTE_MS,
      columns: { 'messages/s': sum('messages', 1 / 60) },
    },
    'padborg-overview/12/A': silentCount((seconds) => seconds < 900, isOfTenants),
    'padborg-overview/13/A': silentCount((seconds) => seconds >= 900, isOfTenants),
    'padborg-overview/14/A': lastOfPipeline('lagSeconds', 'lag'),
    'padborg-overview/15/A': {
      from: 'delivery_minute',
      where: ofTenant,
      group: [],
      columns: {
        rejected: (points) => {
          const counters = points.filter(({ fields }) => fields['rejected'] !== undefined)
          const series = Map.groupBy(counters, ({ tags }) => JSON.stringify(tags))
          return [...series.values()]
            .map(
              (all) => Number(all.at(-1)?.fields['rejected']) - Number(all[0]?.fields['rejected']),
            )
            .reduce((a, b) => a + b, 0)
        },
      },
    },
    'padborg-overview/16/A': heatTotal('handoff', isTenant),
    'padborg-overview/16/B': coverageTotal('handoff', isTenant),
    'padborg-overview/21/A': perSecond('messages', 'tenant', ofTenant),
    'padborg-overview/22/A': percentiles(
      { by: 'all', stage: 'age', isTenant },
      { p50: last('p50Ms'), p95: last('p95Ms'), p99: last('p99Ms') },
    ),
    'padborg-overview/23/A': counted('n', sum('n'), { by: 'rat', stage: 'age', isTenant }),
    'padborg-overview/31/A': {
      from: FLEET,
      where: ({ device = '' }) => isOfTenants(device),
      group: ['device'],
      columns: Object.fromEntries(
        ['lat', 'lon', 'speedKmh'].map((name) => [name, where('last', 'lat', name)]),
      ),
    },
    'padborg-overview/32/A': silence(isOfTenants),
  }
}

function latencyRadio({
  isTenant,
  isDevice,
  isRat,
  stage,
  by,
}: Selection): Record<string, Expected> {
  const ofRat = ({ key = '' }: Tags) => isRat(key)
  const board = 'padborg-latency-radio'
  const fleet: Pick<Expected, 'from' | 'where' | 'group' | 'every'> = {
    from: FLEET,
    where: ({ device = '', rat = '' }) => isDevice(device) && isRat(rat),
    group: ['device', 'rat'],
    every: MINUTE_MS,
  }
  const ofRats = { by: 'rat', stage, isTenant, and: ofRat }
  return {
    [`${board}/11/A`]: percentiles(ofRats, {
      p50: last('p50Ms'),
      p95: last('p95Ms'),
      p99: last('p99Ms'),
    }),
    [`${board}/21/A`]: percentiles(ofRats, { p95: last('p95Ms') }),
    [`${board}/22/A`]: percentiles({ by: 'cell', stage, isTenant }, { p95: last('p95Ms') }),
    [`${board}/23/A`]: percentiles({ by: 'operator', stage, isTenant }, { p95: last('p95Ms') }),
    [`${board}/31/A`]: counted('n', sum('n'), ofRats),
    [`${board}/32/A`]: counted('bound', max('clockBoundMs'), ofRats),
    [`${board}/33/A`]: counted('negative', sum('negative'), ofRats),
    [`${board}/34/A`]: counted('worst minute', max('p99Ms'), { by, stage, isTenant }),
    [`${board}/41/A`]: {
      ...fleet,
      columns: Object.fromEntries(
        ['rsrpDbm', 'lat', 'lon'].map((name) => [name, where('smallest', 'rsrpDbm', name)]),
      ),
    },
    [`${board}/42/A`]: { ...fleet, columns: { rsrpDbm: mean('rsrpDbm') } },
    [`${board}/51/A`]: { ...fleet, columns: { rsrqDb: mean('rsrqDb') } },
    [`${board}/52/A`]: { ...fleet, columns: { sinrDb: mean('sinrDb') } },
  }
}

function delivery({ isTenant, isDevice }: Selection): Record<string, Expected> {
  const board = 'padborg-delivery'
  const ofTenant = ({ tenant = '' }: Tags) => isTenant(tenant)
  const ofDevice = ofChosen(isDevice)
  return {
    [`${board}/11/A`]: perSecond('messages', 'tenant', ofTenant),
    [`${board}/12/A`]: perSecond('bytes', 'tenant', ofTenant),
    [`${board}/13/A`]: perSecond('messages', 'device', ofDevice),
    [`${board}/14/A`]: perSecond('readings', 'device', ofDevice),
    [`${board}/21/A`]: counters(isDevice),
    [`${board}/31/A`]: {
      from: 'delivery_minute',
      where: ofTenant,
      group: ['tenant'],
      every: MINUTE_MS,
      columns: { pending: sum('pending') },
    },
    [`${board}/32/A`]: grown(['lost'], isDevice),
    [`${board}/33/A`]: grown(['rejected', 'duplicate', 'late'], isDevice),
  }
}

/** Midnight in Denmark, whose days have 23, 24 or 25 hours. */
function dayOf(timeMs: number): number {
  const time =
    Temporal.Instant.fromEpochMilliseconds(timeMs).toZonedDateTimeISO('Europe/Copenhagen')
  return time.startOfDay().epochMilliseconds
}

function heat({ isTenant }: Selection): Record<string, Expected> {
  const board = 'padborg-heat'
  const daily = (boundary: string, by: string, columns: Expected['columns']): Expected => ({
    ...heatOf(boundary, by, isTenant),
    group: ['tenant', 'key'],
    every: dayOf,
    columns,
  })
  const energy = (boundary: string, by: string) =>
    known(daily(boundary, by, { energyKwh: sum('energyKwh') }))
  const coverage = (boundary: string, by: string) =>
    daily(boundary, by, { coverage: mean('coverage') })
  const intervals = (boundary: string) =>
    daily(
      boundary,
      'all',
      Object.fromEntries(
        ['measured', 'bridged', 'missing', 'excluded'].map((name) => [name, sum(name)]),
      ),
    )
  return {
    [`${board}/11/A`]: heatTotal('handoff', isTenant),
    [`${board}/11/B`]: coverageTotal('handoff', isTenant),
    [`${board}/12/A`]: heatTotal('delivered', isTenant),
    [`${board}/12/B`]: coverageTotal('delivered', isTenant),
    [`${board}/21/A`]: energy('handoff', 'data_centre'),
    [`${board}/22/A`]: coverage('handoff', 'data_centre'),
    [`${board}/31/A`]: energy('delivered', 'town'),
    [`${board}/32/A`]: coverage('delivered', 'town'),
    [`${board}/41/A`]: energy('handoff', 'data_centre'),
    [`${board}/41/B`]: coverage('handoff', 'data_centre'),
    [`${board}/42/A`]: energy('delivered', 'town'),
    [`${board}/42/B`]: coverage('delivered', 'town'),
    [`${board}/51/A`]: intervals('handoff'),
    [`${board}/52/A`]: intervals('delivered'),
  }
}
