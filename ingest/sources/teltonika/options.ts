export interface TeltonikaOptions {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  /** Largest packet with its frame; trackers send up to 1280 bytes, with Codec 8E rarely more. */
  readonly maxPacketBytes?: number
  readonly maxConnections?: number
  readonly loginTimeoutMs?: number
  /** A connection without a packet or a ping for so long is closed. */
  readonly idleTimeoutMs?: number
  /** Also keep a rejection of each tracker that nobody has registered, so that people see it. */
  readonly keepUnknown?: boolean
}

const DEFAULTS = {
  maxPacketBytes: 16 * 1024,
  maxConnections: 10_000,
  loginTimeoutMs: 10_000,
  idleTimeoutMs: 600_000,
  keepUnknown: false,
}

/** The options with defaults; a part takes what it needs: `Pick<TeltonikaSettings, ...>`. */
export type TeltonikaSettings = Required<TeltonikaOptions>

export function withDefaults(options: TeltonikaOptions): TeltonikaSettings {
  return { ...DEFAULTS, ...options }
}
