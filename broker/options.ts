import type { BrokerSettings } from '#lib/runtime/settings/broker-settings.ts'
import type { ListenerName } from './connections/connection.ts'

export type Port = number | 'off'

export interface TlsFiles {
  readonly cert: string
  readonly key: string
  readonly clientCa: string | null
}

/**
 * The settings of the broker, with the listeners' host and ports. A part takes what it needs:
 * `Pick<BrokerOptions, ...>`.
 */
export interface BrokerOptions extends BrokerSettings {
  readonly host: string
  readonly ports: Readonly<Record<ListenerName, Port>>
  /** PEM files; needed by the port mqtts. */
  readonly tls: TlsFiles | null
  /** `broker.db`: retained messages, and subscriptions of persistent sessions. */
  readonly databasePath: string
}
