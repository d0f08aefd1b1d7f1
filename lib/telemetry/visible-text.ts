/* Everything that is stored passes here: the usual text is looked at once and left as it is. */

/** C0, DEL, C1, and the two separators that some servers take for the end of a line. */
// oxlint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/
/** What this module would have written. */
const WRITTEN = /\\u[0-9a-f]{4}/
// oxlint-disable-next-line no-control-regex
const TO_WRITE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\\]/g

/**
 * A text with its control characters in their visible form, `\u000a` for a newline: a server that
 * speaks the line protocol of InfluxDB may end a point there (docs/domain.md 8.12). Two texts never
 * become one: where a text holds the visible form already, its backslashes are doubled.
 */
export function visibleText(text: string): string {
  if (!CONTROLS.test(text) && !WRITTEN.test(text)) return text
  return text.replace(TO_WRITE, (one) =>
    one === '\\' ? '\\\\' : `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** The same for each text among values; the values themselves where there is nothing to replace. */
export function withVisibleTexts<T extends object>(values: T): T {
  const changed: Record<string, string> = {}
  let isChanged = false
  for (const [name, value] of Object.entries(values)) {
    if (typeof value !== 'string') continue
    const visible = visibleText(value)
    if (visible === value) continue
    changed[name] = visible
    isChanged = true
  }
  return isChanged ? { ...values, ...changed } : values
}
