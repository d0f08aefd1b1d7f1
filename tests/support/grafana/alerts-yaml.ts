import { readFileSync } from 'node:fs'
import { parse } from 'yaml'
import { z } from 'zod'

const FILE = new URL(
  '../../../dashboards/grafana/provisioning/alerting/padborg.yaml',
  import.meta.url,
)

const range = z.strictObject({ from: z.number(), to: z.number() })
const ours = z.strictObject({ type: z.literal('influxdb'), uid: z.literal('padborg-influx') })
const grafanas = z.strictObject({ type: z.literal('__expr__'), uid: z.literal('__expr__') })

const query = z.strictObject({
  refId: z.literal('A'),
  relativeTimeRange: range,
  datasourceUid: z.literal('padborg-influx'),
  model: z.strictObject({
    refId: z.literal('A'),
    datasource: ours,
    query: z.string(),
    rawQuery: z.literal(true),
    resultFormat: z.literal('time_series'),
  }),
})

const reduce = z.strictObject({
  refId: z.literal('B'),
  relativeTimeRange: range,
  datasourceUid: z.literal('__expr__'),
  model: z.strictObject({
    refId: z.literal('B'),
    datasource: grafanas,
    type: z.literal('reduce'),
    expression: z.literal('A'),
    reducer: z.literal('last'),
  }),
})

const threshold = z.strictObject({
  refId: z.literal('C'),
  relativeTimeRange: range,
  datasourceUid: z.literal('__expr__'),
  model: z.strictObject({
    refId: z.literal('C'),
    datasource: grafanas,
    type: z.literal('threshold'),
    expression: z.literal('B'),
    conditions: z.tuple([
      z.strictObject({
        evaluator: z.strictObject({ type: z.enum(['gt', 'lt']), params: z.tuple([z.number()]) }),
      }),
    ]),
  }),
})

const rule = z.strictObject({
  uid: z.string().regex(/^[a-z0-9-]{1,40}$/),
  title: z.string(),
  condition: z.literal('C'),
  data: z.tuple([query, reduce, threshold]),
  dashboardUid: z.string(),
  panelId: z.int(),
  noDataState: z.enum(['Alerting', 'OK']),
  execErrState: z.literal('Error'),
  for: z.string().regex(/^\d+m$/),
  annotations: z.strictObject({ summary: z.string(), description: z.string() }),
  labels: z.strictObject({
    severity: z.enum(['critical', 'warning']),
    product: z.literal('padborg'),
  }),
  isPaused: z.literal(false),
})

const file = z.strictObject({
  apiVersion: z.literal(1),
  groups: z.tuple([
    z.strictObject({
      orgId: z.literal(1),
      name: z.string(),
      folder: z.literal('Padborg'),
      interval: z.literal('1m'),
      rules: z.array(rule).min(1),
    }),
  ]),
})

export type AlertYaml = z.infer<typeof rule>

/** The committed rules, checked against the parts of Grafana's file format that we use. */
export function readAlerts(): AlertYaml[] {
  return file.parse(parse(readFileSync(FILE, 'utf8'))).groups[0].rules
}
