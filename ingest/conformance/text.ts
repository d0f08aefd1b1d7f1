const MINUTE_S = 60
const HOUR_S = 3600
const DAY_S = 86_400

export function instantText(ns: bigint): string {
  return Temporal.Instant.fromEpochNanoseconds(ns).toString({ smallestUnit: 'second' })
}

export function ageText(seconds: number): string {
  if (seconds < 2 * MINUTE_S) return `${numberText(seconds)} s`
  if (seconds < 2 * HOUR_S) return `${Math.round(seconds / MINUTE_S)} min`
  if (seconds < 2 * DAY_S) return `${Math.round(seconds / HOUR_S)} h`
  return `${Math.round(seconds / DAY_S)} d`
}

/** Three significant digits. */
export function numberText(value: number): string {
  return String(Number(value.toPrecision(3)))
}

export function shareText(part: number, whole: number): string {
  return `${part} of ${whole}`
}

const MAX_EXCERPT_LENGTH = 160

/** The beginning of a payload: as text where it is text, otherwise in hexadecimal. */
export function excerptOf(payload: Uint8Array): string {
  const beginning = payload.subarray(0, 4 * MAX_EXCERPT_LENGTH)
  const text = textOf(beginning)
  const shown = text ?? Buffer.from(beginning).toString('hex')
  return shown.length > MAX_EXCERPT_LENGTH ? `${shown.slice(0, MAX_EXCERPT_LENGTH)}...` : shown
}

function textOf(bytes: Uint8Array): string | null {
  try {
    // A cut inside a character is no fault of the payload: `stream` keeps it back.
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes, { stream: true })
    // oxlint-disable-next-line no-control-regex
    return /[\u0000-\u0008\u000e-\u001f]/.test(text) ? null : text
  } catch {
    // Not UTF-8: the caller shows the bytes.
    return null
  }
}
