import { writeControl } from '#lib/mqtt/control-packets.ts'
import type { ProtocolVersion } from '#lib/mqtt/packet-types.ts'
import type { MqttSettings } from '../options.ts'
import type { BrokerAddress } from './address.ts'

export interface ConnectOptions extends Pick<
  MqttSettings,
  'keepAliveMs' | 'sessionExpirySeconds' | 'receiveMaximum' | 'maxPacketBytes'
> {
  readonly address: BrokerAddress
  readonly version: ProtocolVersion
  readonly clientId: string
}

/** The CONNECT of a kept session. */
export function connectPacket(options: ConnectOptions): Buffer {
  const { version, clientId, keepAliveMs } = options
  const { username, password } = options.address
  const properties = {
    sessionExpiryInterval: options.sessionExpirySeconds,
    receiveMaximum: options.receiveMaximum,
    maximumPacketSize: options.maxPacketBytes,
  }
  return writeControl(
    {
      cmd: 'connect',
      protocolId: 'MQTT',
      protocolVersion: version,
      clean: false,
      clientId,
      keepalive: Math.max(1, Math.ceil(keepAliveMs / 1000)),
      ...(username === null ? {} : { username }),
      ...(password === null ? {} : { password: Buffer.from(password) }),
      ...(version === 5 ? { properties } : {}),
    },
    version,
  )
}
