import { setting, secretSetting, type SectionValues } from './setting.ts'
import { decimal, host, key, milliseconds, oneOf, path, port } from './setting-values.ts'

/** Where clients, devices and people reach this process. */
export const LISTENERS = {
  host: setting(
    'PADBORG_HOST',
    host,
    '127.0.0.1',
    'Address all listeners bind to; 0.0.0.0 opens them to the network.',
  ),
  mqtt: setting(
    'PADBORG_MQTT_PORT',
    port,
    '1883',
    'MQTT over TCP; 0 takes any free port, off closes it.',
  ),
  mqtts: setting(
    'PADBORG_MQTTS_PORT',
    port,
    'off',
    'MQTT over TLS; needs PADBORG_TLS_CERT and PADBORG_TLS_KEY.',
  ),
  mqttWs: setting('PADBORG_MQTT_WS_PORT', port, '1884', 'MQTT over WebSocket.'),
  http: setting('PADBORG_HTTP_PORT', port, '8080', 'HTTP API and portal.'),
}

export const TLS = {
  cert: setting(
    'PADBORG_TLS_CERT',
    path.optional(),
    undefined,
    'PEM file of the server certificate.',
  ),
  key: setting('PADBORG_TLS_KEY', path.optional(), undefined, 'PEM file of its private key.'),
  clientCa: setting(
    'PADBORG_TLS_CLIENT_CA',
    path.optional(),
    undefined,
    'PEM file of the authority whose client certificates are accepted.',
  ),
}

/** The process as a whole. */
export const PLATFORM = {
  dataDir: setting('PADBORG_DATA_DIR', path, './data', 'Journal, store, registry and keys.'),
  adminKey: secretSetting(
    'PADBORG_ADMIN_KEY',
    key.optional(),
    'Admin API key; without it one is made at first start and kept in <data>/admin-key.',
  ),
  credentialOverlapHours: setting(
    'PADBORG_CREDENTIAL_OVERLAP_HOURS',
    decimal(0, 87_600),
    '168',
    'How long older credentials of a device stay valid beside a new one.',
  ),
  logLevel: setting(
    'PADBORG_LOG_LEVEL',
    oneOf('trace', 'debug', 'info', 'warn', 'error'),
    'info',
    'Least severe log line that is written.',
  ),
  shutdownMs: setting(
    'PADBORG_SHUTDOWN_SECONDS',
    milliseconds(1, 600),
    '20',
    'Longest orderly shutdown.',
  ),
  fault: setting(
    'PADBORG_FAULT',
    oneOf('none', 'early-ack', 'no-fsync'),
    'none',
    'Breaks a promise on purpose, so that a test can see itself turn red. Never set it.',
  ),
}
export type PlatformSettings = SectionValues<typeof PLATFORM>
