export interface MqttSourceOptions {
  /** `PADBORG_MQTT_URL`: mqtt: or mqtts:, with user and password where needed. */
  readonly url: string
  /** Name of the shared subscription; null: a subscription of our own. */
  readonly share: string | null
  /** Null: the native tree and the topics of the devices. */
  readonly topics: readonly string[] | null
  /** Where the session is remembered (`foreign-broker.json`). */
  readonly dataDir: string
  readonly maxPacketBytes: number
  /** PEM file of authorities to trust instead of the usual ones. */
  readonly caFile?: string | null
  readonly servername?: string | null
  readonly keepAliveMs?: number
  readonly sessionExpirySeconds?: number
  readonly receiveMaximum?: number
  readonly maxInFlight?: number
  readonly connectTimeoutMs?: number
  readonly firstPauseMs?: number
  readonly maxPauseMs?: number
}

const DEFAULTS = {
  caFile: null,
  servername: null,
  keepAliveMs: 30_000,
  /** Long enough for a broken machine to be replaced on a Monday. */
  sessionExpirySeconds: 3 * 86_400,
  receiveMaximum: 1000,
  maxInFlight: 4000,
  connectTimeoutMs: 10_000,
  firstPauseMs: 250,
  maxPauseMs: 30_000,
}

/** The options of the source with defaults; a part takes what it needs: `Pick<MqttSettings, ...>`. */
export type MqttSettings = Required<MqttSourceOptions>

export function withDefaults(options: MqttSourceOptions): MqttSettings {
  return { ...DEFAULTS, ...options }
}
