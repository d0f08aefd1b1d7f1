import { setting, type SectionValues } from './setting.ts'
import { whole } from './setting-values.ts'

const MIB = 1024 * 1024

/** Limits of the built-in broker. */
export const BROKER = {
  maxPacketBytes: setting(
    'PADBORG_MQTT_MAX_PACKET_BYTES',
    whole(1024, 256 * MIB),
    String(256 * 1024),
    'Largest MQTT packet; a larger one closes the connection.',
  ),
  maxConnections: setting(
    'PADBORG_MQTT_MAX_CONNECTIONS',
    whole(1, 1_000_000),
    '20000',
    'MQTT connections at once.',
  ),
  maxConnectionsPerTenant: setting(
    'PADBORG_MQTT_MAX_CONNECTIONS_PER_TENANT',
    whole(1, 1_000_000),
    '15000',
    'The same for one tenant.',
  ),
  maxConnectionsPerAccount: setting(
    'PADBORG_MQTT_MAX_CONNECTIONS_PER_ACCOUNT',
    whole(1, 1_000_000),
    '1000',
    'The same for one device or application key.',
  ),
  maxInFlight: setting(
    'PADBORG_MQTT_MAX_IN_FLIGHT',
    whole(1, 10_000_000),
    '100000',
    'Messages read but not yet durable, over all clients; a tenant has as many as it leaves free for others.',
  ),
  maxInFlightPerClient: setting(
    'PADBORG_MQTT_MAX_IN_FLIGHT_PER_CLIENT',
    whole(1, 65_535),
    '2000',
    'The same for one client.',
  ),
  maxTopicLevels: setting(
    'PADBORG_MQTT_MAX_TOPIC_LEVELS',
    whole(5, 100),
    '32',
    'Levels of a topic.',
  ),
  maxOfflineMessages: setting(
    'PADBORG_MQTT_MAX_OFFLINE_MESSAGES',
    whole(0, 1_000_000),
    '1000',
    'Messages kept for one offline subscriber; the oldest goes first.',
  ),
  maxRatePerDevice: setting(
    'PADBORG_MQTT_MAX_RATE_PER_DEVICE',
    whole(1, 10_000_000),
    '5000',
    'Messages per second and connection; above it the client is read more slowly.',
  ),
  socketBufferBytes: setting(
    'PADBORG_MQTT_SOCKET_BUFFER_BYTES',
    whole(65_536, 64 * MIB),
    String(256 * 1024),
    'High-water mark of a client socket; a subscriber over half of it loses messages instead of stalling others.',
  ),
  drainTimeoutMs: setting(
    'PADBORG_MQTT_DRAIN_TIMEOUT_MS',
    whole(100, 600_000),
    '5000',
    'How long a subscriber may take nothing before it is disconnected.',
  ),
  connectTimeoutMs: setting(
    'PADBORG_MQTT_CONNECT_TIMEOUT_MS',
    whole(100, 600_000),
    '10000',
    'How long a connection may take to send its CONNECT.',
  ),
}
export type BrokerSettings = SectionValues<typeof BROKER>
