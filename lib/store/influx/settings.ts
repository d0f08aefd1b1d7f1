/** How an InfluxDB is reached: plain values, so that they may cross a thread boundary. */
export interface InfluxSettings {
  /** `http://host:8086`, without a path of the API. */
  readonly url: string
  /** `v1` writes to `/write`, `v2` to `/api/v2/write` (2.x, 3.x, VictoriaMetrics). */
  readonly kind: 'v1' | 'v2'
  /** Database of 1.x and 3.x, bucket of 2.x. */
  readonly database: string
  readonly org?: string | undefined
  readonly token?: string | undefined
  /** Basic authorization, where there is no token. */
  readonly username?: string | undefined
  readonly password?: string | undefined
  /** A request without a response by then has failed. */
  readonly timeoutMs: number
}

/** The `Authorization` header of a request; null where the server needs none. */
export function authorizationOf(settings: InfluxSettings): string | null {
  const { token, username, password } = settings
  if (token) return `Token ${token}`
  if (!username) return null
  return `Basic ${Buffer.from(`${username}:${password ?? ''}`).toString('base64')}`
}
