import { stringify } from 'yaml'
import { DATA_SOURCE } from '../queries/influx-query.ts'

/** A rule of Grafana's unified alerting: one value per series, compared with a limit. */
export interface AlertRule {
  readonly uid: string
  readonly title: string
  /** One line, with `{{ .Labels.x }}` for tags of the series. */
  readonly summary: string
  /** What it means and what to do. */
  readonly description: string
  readonly influxql: string
  /** How far back the query looks. */
  readonly spanSeconds: number
  readonly isBad: { readonly type: 'gt' | 'lt'; readonly limit: number }
  readonly forMinutes: number
  /** Whether no data is an alert. */
  readonly noDataState: 'Alerting' | 'OK'
  readonly severity: 'critical' | 'warning'
  /** The panel that shows the same. */
  readonly panel: { readonly board: string; readonly id: number }
}

const FOLDER = 'Padborg'

/** The provisioning file of all rules. The operator decides where alerts are sent. */
export function alertFile(rules: readonly AlertRule[]): string {
  const group = {
    orgId: 1,
    name: 'padborg',
    folder: FOLDER,
    interval: '1m',
    rules: rules.map(ruleOf),
  }
  const text = stringify(
    { apiVersion: 1, groups: [group] },
    { lineWidth: 0, aliasDuplicateObjects: false, singleQuote: true },
  )
  return `# Made by npm run generate from dashboards/grafana/alerts.ts.\n${text}`
}

function ruleOf(rule: AlertRule) {
  return {
    uid: rule.uid,
    title: rule.title,
    condition: 'C',
    data: [queryOf(rule), lastOf('B', 'A'), thresholdOf(rule)],
    dashboardUid: rule.panel.board,
    panelId: rule.panel.id,
    noDataState: rule.noDataState,
    execErrState: 'Error',
    for: `${rule.forMinutes}m`,
    annotations: { summary: rule.summary, description: rule.description },
    labels: { severity: rule.severity, product: 'padborg' },
    isPaused: false,
  }
}

function queryOf({ influxql, spanSeconds }: AlertRule) {
  return {
    refId: 'A',
    relativeTimeRange: { from: spanSeconds, to: 0 },
    datasourceUid: DATA_SOURCE.uid,
    model: {
      refId: 'A',
      datasource: DATA_SOURCE,
      query: influxql,
      rawQuery: true,
      resultFormat: 'time_series',
    },
  }
}

function lastOf(refId: string, expression: string) {
  return expressionOf({ refId, type: 'reduce', expression, reducer: 'last' })
}

function thresholdOf({ isBad }: AlertRule) {
  return expressionOf({
    refId: 'C',
    type: 'threshold',
    expression: 'B',
    conditions: [{ evaluator: { type: isBad.type, params: [isBad.limit] } }],
  })
}

/** Grafana's own data source for expressions. */
const EXPRESSION = { type: '__expr__', uid: '__expr__' } as const

function expressionOf(model: { readonly refId: string } & Readonly<Record<string, unknown>>) {
  return {
    refId: model.refId,
    relativeTimeRange: { from: 0, to: 0 },
    datasourceUid: EXPRESSION.uid,
    model: { ...model, datasource: EXPRESSION },
  }
}
