import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Point } from '#lib/store/influx/write/line.ts'
import { readAlerts, type AlertYaml } from '../../support/grafana/alerts-yaml.ts'
import { startDatabase, type Database } from '../../support/grafana/data-source.ts'
import { hasInfluxd } from '../../support/influxd.ts'

/** As Grafana evaluates a rule: the query, the last value of each series, the limit. */
async function firing(rule: AlertYaml, database: Database): Promise<string[]> {
  const [query, , threshold] = rule.data
  const [{ evaluator }] = threshold.model.conditions
  const rows = await database.query(query.model.query)
  if (rows.length === 0) return rule.noDataState === 'Alerting' ? ['no data'] : []
  const lasts = new Map<string, number>()
  for (const { tags, values } of rows) {
    const [value] = Object.values(values)
    if (typeof value === 'number') lasts.set(tags['device'] ?? tags['node'] ?? '', value)
  }
  const [limit] = evaluator.params
  const isBad = (value: number) => (evaluator.type === 'gt' ? value > limit : value < limit)
  return [...lasts].flatMap(([name, value]) => (isBad(value) ? [name] : [])).toSorted()
}

/** Title of each rule -> the devices or nodes it fires for now. */
async function firingAll(database: Database): Promise<Record<string, string[]>> {
  const entries = await Promise.all(
    readAlerts().map(async (rule) => [rule.title, await firing(rule, database)] as const),
  )
  return Object.fromEntries(entries)
}

const QUIET = {
  'Writer lag': [],
  'Silent device': [],
  'Meter without data': [],
  'Rejection rate': [],
  'Certificate expiry': [],
}

const agoNs = (minutes: number) => BigInt(Math.round(Date.now() - minutes * 60_000)) * 1_000_000n

function pipelinePoint(minutes: number, fields: Readonly<Record<string, number>>): Point {
  const { lagSeconds = 0, certificateDays, accepted = 0, rejected = 0 } = fields
  return {
    measurement: 'pipeline',
    tags: { node: 'n1' },
    fields: {
      lagSeconds,
      accepted: BigInt(accepted),
      rejected: BigInt(rejected),
      ...(certificateDays === undefined ? {} : { certificateDays }),
    },
    timeNs: agoNs(minutes),
  }
}

function silencePoint(device: string, kind: string, silentSeconds: number, minutes = 1): Point {
  return {
    measurement: 'device_silence',
    tags: { tenant: 'acme', device: `acme.${device}`, kind },
    fields: { silentSeconds },
    timeNs: agoNs(minutes),
  }
}

describe.skipIf(!hasInfluxd)('alert rules on influxd (needs it on the PATH)', () => {
  let database: Database

  beforeAll(async () => {
    database = await startDatabase([])
  })
  afterAll(() => database?.stop())

  it('fire when the platform writes nothing', async () => {
    expect(await firingAll(database)).toEqual({ ...QUIET, 'Writer lag': ['no data'] })
  })

  it('do not fire while every value is within its limit', async () => {
    await database.write([
      pipelinePoint(14, { accepted: 1000, rejected: 5, lagSeconds: 60 }),
      pipelinePoint(2, { accepted: 2000, rejected: 15, lagSeconds: 60, certificateDays: 14 }),
      silencePoint('t1', 'truck', 900),
      silencePoint('m1', 'heat_meter', 10_800),
      silencePoint('e1', 'energy_meter', 3600),
      // Silent for long, but heard since.
      silencePoint('t2', 'truck', 5000, 5),
      silencePoint('t2', 'truck', 3, 1),
    ])
    expect(await firingAll(database)).toEqual(QUIET)
  })

  it('name the silent devices, meters apart from vehicles', async () => {
    await database.write([
      silencePoint('t3', 'truck', 901),
      silencePoint('p1', 'probe', 5000),
      silencePoint('m2', 'heat_meter', 10_801),
      silencePoint('e2', 'energy_meter', 20_000),
      // Deleted from the registry: its last point is older than the span of the rule.
      silencePoint('old', 'truck', 90_000, 30),
    ])
    expect(await firingAll(database)).toEqual({
      ...QUIET,
      'Silent device': ['acme.p1', 'acme.t3'],
      'Meter without data': ['acme.e2', 'acme.m2'],
    })
  })

  it('fire on a lag, on rejections and on a certificate', async () => {
    await database.write([
      pipelinePoint(1.5, { accepted: 2100, rejected: 17, lagSeconds: 61, certificateDays: 13.9 }),
    ])
    expect(await firingAll(database)).toMatchObject({
      'Writer lag': ['n1'],
      'Rejection rate': ['n1'],
      'Certificate expiry': ['n1'],
    })
  })

  it('do not fire on rejections while nothing is accepted', async () => {
    const quiet = await startDatabase([
      pipelinePoint(5, { accepted: 1000, rejected: 500 }),
      pipelinePoint(2, { accepted: 1000, rejected: 500 }),
    ])
    try {
      expect((await firingAll(quiet))['Rejection rate']).toEqual([])
    } finally {
      await quiet.stop()
    }
  })
})
