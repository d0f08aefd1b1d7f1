import { isLoopback } from '../network/loopback.ts'
import { BROKER } from './broker-settings.ts'
import { LISTENERS, TLS } from './platform-settings.ts'
import { FOREIGN_BROKER, INFLUX, SPLIT_ROLES, TELTONIKA } from './service-settings.ts'
import type { PartialConfig } from './sections.ts'
import type { Setting } from './setting.ts'

export interface Contradiction {
  readonly setting: Setting
  readonly problem: string
}

/** Between settings that are valid each by itself; what is not known is left out. */
export function contradictions(config: PartialConfig): readonly Contradiction[] {
  return [
    ...samePorts(config),
    ...influxProblems(config),
    ...foreignBrokerProblems(config),
    ...splitRoleProblems(config),
    ...tlsProblems(config),
    ...inFlightProblems(config),
  ]
}

function samePorts({ listeners, splitRoles, teltonika }: PartialConfig): Contradiction[] {
  const ports = [
    [LISTENERS.mqtt, listeners.mqtt],
    [LISTENERS.mqtts, listeners.mqtts],
    [LISTENERS.mqttWs, listeners.mqttWs],
    [LISTENERS.http, listeners.http],
    [SPLIT_ROLES.ingestPort, splitRoles.ingestPort],
    [TELTONIKA.port, teltonika.port],
  ] as const
  return ports.flatMap(([setting, port], at) => {
    if (port === undefined || port === 'off' || port === 0) return []
    const earlier = ports.slice(0, at).find(([, other]) => other === port)
    if (!earlier) return []
    return { setting, problem: `${earlier[0].name} has the same port; give each its own` }
  })
}

function influxProblems({ store, influx }: PartialConfig): Contradiction[] {
  if (store.url !== 'influx:') return []
  const found: Contradiction[] = []
  const because = 'because PADBORG_STORE is influx:'
  if (!influx.url) {
    const problem = `expected the address of the server, such as http://127.0.0.1:8086, ${because}`
    found.push({ setting: INFLUX.url, problem })
  }
  if (influx.bucket && influx.database) {
    const problem =
      'expected either INFLUX_DATABASE (InfluxDB 1.x) or INFLUX_BUCKET (2.x, 3.x), got both; ' +
      'leave out the one your server does not have'
    found.push({ setting: INFLUX.database, problem })
  }
  if (!influx.bucket && !influx.database) {
    const problem = `expected a bucket (2.x, 3.x), or INFLUX_DATABASE (1.x), ${because}`
    found.push({ setting: INFLUX.bucket, problem })
  }
  if (influx.username && !influx.password) {
    const problem = 'expected the password of INFLUX_USERNAME'
    found.push({ setting: INFLUX.password, problem })
  }
  if (influx.password && !influx.username) {
    const problem = 'expected the user that INFLUX_PASSWORD belongs to'
    found.push({ setting: INFLUX.username, problem })
  }
  return found
}

function foreignBrokerProblems({ foreignBroker }: PartialConfig): Contradiction[] {
  if (foreignBroker.url) return []
  const problem = 'expected PADBORG_MQTT_URL to be set as well; set it, or leave this out'
  return (['share', 'topics'] as const)
    .filter((name) => foreignBroker[name])
    .map((name) => ({ setting: FOREIGN_BROKER[name], problem }))
}

function splitRoleProblems(config: PartialConfig): Contradiction[] {
  const { ingestUrls: urls = [], ingestPort = 'off', secret, tls } = config.splitRoles
  const found: Contradiction[] = []
  if ((urls.length > 0 || ingestPort !== 'off') && !secret) {
    const { name } = urls.length > 0 ? SPLIT_ROLES.ingestUrls : SPLIT_ROLES.ingestPort
    const problem = `expected the secret that both sides share, because ${name} is set`
    found.push({ setting: SPLIT_ROLES.secret, problem })
  }
  if (new Set(urls).size < urls.length) {
    const problem = 'expected each intake once, got one twice; it would be counted twice'
    found.push({ setting: SPLIT_ROLES.ingestUrls, problem })
  }
  if (tls === 'off') return found
  const plain = urls.find((url) => url.startsWith('http:') && !isLoopback(new URL(url).hostname))
  if (plain) {
    const problem =
      `expected https: for ${plain}, which is not on this machine; ` +
      'PADBORG_INGEST_TLS=off allows http: in a network that you trust'
    found.push({ setting: SPLIT_ROLES.ingestUrls, problem })
  }
  return [...found, ...ingestListenerProblems(config)]
}

function ingestListenerProblems({ listeners, splitRoles, tls }: PartialConfig): Contradiction[] {
  const { ingestPort = 'off' } = splitRoles
  const { host = '127.0.0.1' } = listeners
  if (ingestPort === 'off' || isLoopback(host)) return []
  const problem =
    `expected a PEM file because PADBORG_INGEST_PORT is open to the network on ${host}; ` +
    'PADBORG_INGEST_TLS=off allows plain HTTP in a network that you trust'
  return missingTls(tls, problem)
}

function tlsProblems({ listeners: { mqtts = 'off' }, tls }: PartialConfig): Contradiction[] {
  if (mqtts === 'off') return []
  return missingTls(tls, 'expected a PEM file because PADBORG_MQTTS_PORT is set')
}

function missingTls(tls: PartialConfig['tls'], problem: string): Contradiction[] {
  return (['cert', 'key'] as const)
    .filter((name) => !tls[name])
    .map((name) => ({ setting: TLS[name], problem }))
}

function inFlightProblems({ broker }: PartialConfig): Contradiction[] {
  const { maxInFlight = Infinity, maxInFlightPerClient = 0 } = broker
  if (maxInFlightPerClient <= maxInFlight) return []
  const problem = `expected at most ${maxInFlight}, the value of PADBORG_MQTT_MAX_IN_FLIGHT`
  return [{ setting: BROKER.maxInFlightPerClient, problem }]
}
