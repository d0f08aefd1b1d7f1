import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { readAlerts } from '../../../support/grafana/alerts-yaml.ts'
import { boardOf, panelOf, readBoards } from '../../../support/grafana/boards-json.ts'

const FOLDER = new URL('../../../../dashboards/grafana', import.meta.url).pathname

function read(path: string): unknown {
  return parse(readFileSync(join(FOLDER, path), 'utf8'))
}

/** The parts of Grafana's format that we use, all required. */
const dataSources = z.strictObject({
  apiVersion: z.literal(1),
  datasources: z.tuple([
    z.strictObject({
      name: z.string(),
      uid: z.literal('padborg-influx'),
      type: z.literal('influxdb'),
      access: z.literal('proxy'),
      url: z.literal('$INFLUX_URL'),
      user: z.literal('$INFLUX_USERNAME'),
      isDefault: z.literal(true),
      editable: z.literal(false),
      jsonData: z.record(z.string(), z.unknown()),
      secureJsonData: z.record(z.string(), z.string()),
    }),
  ]),
})

const providers = z.strictObject({
  apiVersion: z.literal(1),
  providers: z.tuple([
    z.strictObject({
      name: z.string(),
      orgId: z.literal(1),
      folder: z.literal('Padborg'),
      folderUid: z.string(),
      type: z.literal('file'),
      disableDeletion: z.boolean(),
      allowUiUpdates: z.literal(false),
      updateIntervalSeconds: z.number(),
      options: z.strictObject({ path: z.literal('/etc/grafana/boards') }),
    }),
  ]),
})

describe('the provisioning of Grafana', () => {
  it('queries InfluxDB in InfluxQL with the credentials of the environment', () => {
    const { datasources } = dataSources.parse(read('provisioning/datasources/influxdb.yaml'))
    const [{ jsonData, secureJsonData }] = datasources
    expect(jsonData).toEqual({
      version: 'InfluxQL',
      dbName: '${INFLUX_DATABASE}${INFLUX_BUCKET}',
      httpMode: 'POST',
      timeInterval: '10s',
    })
    expect(secureJsonData).toEqual({ password: '$INFLUX_PASSWORD' })
  })

  it('provides the boards read-only', () => {
    providers.parse(read('provisioning/dashboards/padborg.yaml'))
  })

  it('has no file that Grafana does not read', () => {
    const names = ['datasources', 'dashboards', 'alerting'].flatMap((folder) =>
      readdirSync(join(FOLDER, 'provisioning', folder)),
    )
    expect(names).toEqual(['influxdb.yaml', 'padborg.yaml', 'padborg.yaml'])
  })

  it('uses only documented variables of the environment', () => {
    const guide = readFileSync(join(FOLDER, '../../docs/grafana.md'), 'utf8')
    const text = readFileSync(join(FOLDER, 'provisioning/datasources/influxdb.yaml'), 'utf8')
    const names = [...text.matchAll(/\$\{?(\w+)/g)].map(([, name]) => name)
    expect(names).toHaveLength(5)
    for (const name of names) expect(guide).toContain(`\`${name}\``)
  })
})

describe('alert rules', () => {
  const rules = readAlerts()

  it('cover lag, silence, meters, rejections and the certificate', () => {
    expect(rules.map(({ title }) => title).toSorted()).toEqual([
      'Certificate expiry',
      'Meter without data',
      'Rejection rate',
      'Silent device',
      'Writer lag',
    ])
    expect(new Set(rules.map(({ uid }) => uid)).size).toBe(rules.length)
  })

  it('contain no $, which Grafana would expand from the environment', () => {
    expect(readFileSync(join(FOLDER, 'provisioning/alerting/padborg.yaml'), 'utf8')).not.toContain(
      '$',
    )
  })

  it('refer to panels that exist', () => {
    const uids = readBoards().map(({ uid }) => uid)
    for (const { dashboardUid, panelId } of rules) {
      expect(uids).toContain(dashboardUid)
      expect(panelOf(boardOf(dashboardUid), panelId).title).not.toBe('')
    }
  })

  it('query the span that they declare', () => {
    for (const { data, title } of rules) {
      const [query] = data
      const minutes = Number(/now\(\) - (\d+)m/.exec(query.model.query)?.[1])
      expect(query.relativeTimeRange, title).toEqual({ from: minutes * 60, to: 0 })
    }
  })

  it('use no percentile', () => {
    for (const { data } of rules) expect(data[0].model.query).not.toMatch(/"p\d+Ms"/)
  })
})
