/** The parts of `PADBORG_MQTT_URL`: the address of the foreign broker, user name and password. */
export interface BrokerAddress {
  readonly host: string
  readonly port: number
  readonly tls: boolean
  readonly username: string | null
  readonly password: string | null
  /** The address without user and password, for log lines. */
  readonly shown: string
}

const PORT = 1883
const TLS_PORT = 8883

/** Null: not an address with the scheme mqtt: or mqtts:. */
export function parseAddress(text: string): BrokerAddress | null {
  const url = URL.parse(text)
  if (!url || !['mqtt:', 'mqtts:'].includes(url.protocol) || url.hostname === '') return null
  const tls = url.protocol === 'mqtts:'
  const port = url.port === '' ? (tls ? TLS_PORT : PORT) : Number(url.port)
  // An IPv6 address has brackets only in a URL.
  const host = url.hostname.replace(/^\[(.*)\]$/, '$1')
  const [username, password] = [decoded(url.username), decoded(url.password)]
  if (username === undefined || password === undefined) return null
  return {
    host,
    port,
    tls,
    // A password needs a user name, at least an empty one ([MQTT-3.1.2-22]).
    username: username === '' && password === '' ? null : username,
    password: password === '' ? null : password,
    shown: `${url.protocol}//${url.hostname}:${port}`,
  }
}

/** Undefined: a `%` that encodes no character. */
function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    // The caller reports what was expected.
    return undefined
  }
}
