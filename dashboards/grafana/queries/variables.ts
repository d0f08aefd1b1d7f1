import type { Builder } from '@grafana/grafana-foundation-sdk/cog'
import {
  ConstantVariableBuilder,
  CustomVariableBuilder,
  QueryVariableBuilder,
  VariableRefresh,
  VariableSort,
  type VariableModel,
} from '@grafana/grafana-foundation-sdk/dashboard'
import { DATA_SOURCE } from './influx-query.ts'

export type Variable = Builder<VariableModel>

/*
 * Every use names its format (`:regex`, `:raw`): without one, the versions of Grafana give different
 * queries. `:regex` escapes a value and joins several to (a|b).
 */

/** Rows of derived series of the chosen tenants; of the tenant `_all` when all are chosen. */
export const OF_TENANT = '"tenant" =~ /^(${tenant:regex})$/'
/** Rows of the chosen devices. */
export const OF_DEVICE = '"device" =~ /^(${device:regex})$/'

/**
 * The value of "All". As a whole tenant it matches `_all` alone, the rows of the derived series for
 * all tenants together; as the beginning of a full device id, which has a dot, it matches any.
 */
const ALL_TENANTS = '_all|.+\\..+'
/** Rows of every device of the chosen tenants, without naming each. */
export const OF_TENANT_DEVICES = '"device" =~ /^(${tenant:regex})(\\..+)?$/'

export const tenant = choice('tenant', {
  label: 'Tenant',
  influxql: 'SHOW TAG VALUES FROM "device_info" WITH KEY = "tenant"',
  allValue: ALL_TENANTS,
})

/** "All" includes devices without a site. */
export const site = choice('site', {
  label: 'Site',
  influxql: `SHOW TAG VALUES FROM "device_info" WITH KEY = "site" WHERE ${OF_TENANT_DEVICES}`,
  allValue: '.*',
})

const DEVICES =
  'SHOW TAG VALUES FROM "device_info" WITH KEY = "device"' +
  ` WHERE ${OF_TENANT_DEVICES} AND "site" =~ /^(\${site:regex})$/`

/**
 * "All" lists every device, since only `device_info` has the site of a device. InfluxDB compares each
 * series with each name: fast enough for a thousand devices, slow for ten thousand.
 */
export const device = choice('device', { label: 'Device', influxql: DEVICES })

export const oneDevice = choice('device', { label: 'Device', influxql: DEVICES, isSingle: true })

/** Those of `latency_minute` for the chosen tenants. */
export const rat = choice('rat', {
  label: 'RAT',
  influxql:
    'SHOW TAG VALUES FROM "latency_minute" WITH KEY = "key"' +
    ` WHERE "by" = 'rat' AND ${OF_TENANT}`,
})

/** PADBORG_TIMEZONE of a platform that sets no other: days and months are cut by it. */
export const TIME_ZONE = 'Europe/Copenhagen'

export const timezone = new ConstantVariableBuilder('timezone').label('Time zone').value(TIME_ZONE)

/** One of a fixed list. */
export function oneOf(name: string, label: string, values: readonly string[]): Variable {
  const options = values.map((value, at) => ({ text: value, value, selected: at === 0 }))
  const [first] = options
  const builder = new CustomVariableBuilder(name)
    .label(label)
    .values(values.join(','))
    .options(options)
  return first ? builder.current(first) : builder
}

interface Choice {
  readonly label: string
  readonly influxql: string
  readonly allValue?: string
  readonly isSingle?: true
}

function choice(name: string, { label, influxql, allValue, isSingle }: Choice): Variable {
  const builder = new QueryVariableBuilder(name)
    .label(label)
    .datasource(DATA_SOURCE)
    .query({ query: influxql, refId: 'A' })
    .definition(influxql)
    .refresh(VariableRefresh.OnDashboardLoad)
    // The builder's method, which sorts the choices shown; no array.
    // oxlint-disable-next-line unicorn/no-array-sort
    .sort(VariableSort.NaturalAsc)
  if (isSingle) return builder
  builder
    .multi(true)
    .includeAll(true)
    .current({ text: ['All'], value: ['$__all'], selected: true })
  return allValue === undefined ? builder : builder.allValue(allValue)
}
