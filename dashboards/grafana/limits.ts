/** Beyond these a person must act. Alert rules and the colours of panels share them. */
export const LIMITS = {
  /** The writer stays this far behind the journal. */
  lagSeconds: 60,
  /** A moving device has sent nothing for this long. */
  silentSeconds: 900,
  /** A meter has sent nothing for this long; many send once an hour. */
  meterSilentSeconds: 3 * 3600,
  /** Share of the accepted messages that were rejected. */
  rejectedShare: 0.01,
  /** The TLS certificate is valid for less than this. */
  certificateDays: 14,
} as const
