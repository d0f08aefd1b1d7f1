import type { AlertRule } from './files/alerts-yaml.ts'
import { LIMITS } from './limits.ts'
import { FLEET_KINDS, METER_KINDS } from './queries/kinds.ts'

/*
 * Queries of alert rules contain no `$`: in provisioning files Grafana takes it for a variable of the
 * environment, and its versions differ in how it is escaped there.
 */

/** Every alert rule. A new one is an entry here, then `npm run generate`. */
export const ALERT_RULES: readonly AlertRule[] = [
  {
    uid: 'padborg-writer-lag',
    title: 'Writer lag',
    summary: 'The store is behind the journal, or the platform sends no figures.',
    description:
      'Acknowledged messages are safe in the journal but do not reach the store in time. Look at ' +
      '/health/ready and at the log; without data the platform is down or cannot reach InfluxDB.',
    influxql:
      'SELECT max("lagSeconds") AS "lagSeconds" FROM "pipeline"' +
      ' WHERE time > now() - 5m GROUP BY "node"',
    spanSeconds: 300,
    isBad: { type: 'gt', limit: LIMITS.lagSeconds },
    forMinutes: 2,
    noDataState: 'Alerting',
    severity: 'critical',
    panel: { board: 'padborg-pipeline', id: 22 },
  },
  {
    uid: 'padborg-silent-device',
    title: 'Silent device',
    summary: '{{ .Labels.device }} of {{ .Labels.tenant }} has sent nothing for 15 minutes.',
    description: 'A truck, robot or probe has sent no message, not even one that was rejected.',
    influxql: silenceOf(FLEET_KINDS),
    spanSeconds: 180,
    isBad: { type: 'gt', limit: LIMITS.silentSeconds },
    forMinutes: 0,
    noDataState: 'OK',
    severity: 'warning',
    panel: { board: 'padborg-pipeline', id: 51 },
  },
  {
    uid: 'padborg-meter-without-data',
    title: 'Meter without data',
    summary: 'Meter {{ .Labels.device }} of {{ .Labels.tenant }} has sent nothing for 3 hours.',
    description:
      'Heat of the gap will be known when the register is read again, its distribution will not. ' +
      'Coverage of recovered heat falls.',
    influxql: silenceOf(METER_KINDS),
    spanSeconds: 180,
    isBad: { type: 'gt', limit: LIMITS.meterSilentSeconds },
    forMinutes: 0,
    noDataState: 'OK',
    severity: 'warning',
    panel: { board: 'padborg-pipeline', id: 51 },
  },
  {
    uid: 'padborg-rejection-rate',
    title: 'Rejection rate',
    summary: 'More than 1 % of the messages are rejected.',
    description:
      'Share of rejected messages among those accepted in the last 15 minutes. Their bytes are ' +
      'kept: see /rejections, fix the cause, replay.',
    influxql:
      'SELECT (last("rejected") - first("rejected")) / (last("accepted") - first("accepted"))' +
      ' AS "share" FROM "pipeline" WHERE time > now() - 15m GROUP BY "node"',
    spanSeconds: 900,
    isBad: { type: 'gt', limit: LIMITS.rejectedShare },
    forMinutes: 5,
    noDataState: 'OK',
    severity: 'warning',
    panel: { board: 'padborg-pipeline', id: 32 },
  },
  {
    uid: 'padborg-certificate',
    title: 'Certificate expiry',
    summary: 'The TLS certificate expires in less than 14 days.',
    description: 'Renew it and restart the platform. Without TLS there is no data and no alert.',
    influxql:
      'SELECT last("certificateDays") AS "certificateDays" FROM "pipeline"' +
      ' WHERE time > now() - 10m GROUP BY "node"',
    spanSeconds: 600,
    isBad: { type: 'lt', limit: LIMITS.certificateDays },
    forMinutes: 0,
    noDataState: 'OK',
    severity: 'warning',
    panel: { board: 'padborg-pipeline', id: 14 },
  },
]

/**
 * The shortest silence that any intake wrote within three minutes: each receives a part of the
 * messages, and they do not write at the same moment.
 */
function silenceOf(kinds: readonly string[]): string {
  const ofKind = kinds.map((kind) => `"kind" = '${kind}'`).join(' OR ')
  return (
    'SELECT min("silentSeconds") AS "silentSeconds" FROM "device_silence"' +
    ` WHERE time > now() - 3m AND (${ofKind}) GROUP BY "tenant", "device"`
  )
}
