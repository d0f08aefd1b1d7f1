/**
 * MQTT topic filters ([MQTT-4.7]): whether one is valid, whether two share a topic, whether one matches
 * all topics of another. Filters are compared level by level; `#` also matches its parent.
 */

/** A topic or filter is at most 65,535 bytes long ([MQTT-4.7.3-3]); ours are shorter. */
export const MAX_FILTER_LENGTH = 512

/** What is wrong with a filter; null when nothing is. */
export function filterProblem(filter: string): string | null {
  if (filter === '') return 'it is empty'
  if (filter.length > MAX_FILTER_LENGTH) return `it is longer than ${MAX_FILTER_LENGTH} characters`
  if (filter.includes('\u0000')) return 'it holds a NUL character'
  if (!filter.isWellFormed()) return 'it holds half a surrogate pair'
  const levels = filter.split('/')
  for (const [at, level] of levels.entries()) {
    if (level.includes('#') && (level !== '#' || at < levels.length - 1)) {
      return '# may only be the whole last level'
    }
    if (level.includes('+') && level !== '+') return '+ may only be a whole level'
  }
  return null
}

/** Whether a string is a topic one may publish to: no wildcard, not empty ([MQTT-3.3.2-2]). */
export function isTopic(topic: string): boolean {
  return topic !== '' && !topic.includes('+') && !topic.includes('#') && !topic.includes('\u0000')
}

/** Whether every topic that `inner` matches is matched by `outer` too. Both must be valid. */
export function filterCovers(outer: string, inner: string): boolean {
  const wide = outer.split('/')
  const narrow = inner.split('/')
  // A leading wildcard never matches a topic that begins with `$` ([MQTT-4.7.2-1]).
  if (inner.startsWith('$') && isWildcard(wide[0])) return false
  for (let at = 0; ; at += 1) {
    const level = wide[at]
    const covered = narrow[at]
    if (level === '#') return true
    if (covered === '#') return coversEverythingFrom(wide, at)
    if (level === undefined || covered === undefined) return level === covered
    if (level !== '+' && level !== covered) return false
  }
}

/**
 * What is left of `outer` where `inner` has its `#`. That matches the parent too, which `+/#` does not,
 * except at the root: there is no topic without a level.
 */
function coversEverythingFrom(outer: readonly string[], at: number): boolean {
  return at === 0 && outer.length === 2 && outer[0] === '+' && outer[1] === '#'
}

/** Whether there is a topic that both filters match. Both must be valid. */
export function filtersOverlap(one: string, other: string): boolean {
  const left = one.split('/')
  const right = other.split('/')
  if (one.startsWith('$') && isWildcard(right[0])) return false
  if (other.startsWith('$') && isWildcard(left[0])) return false
  for (let at = 0; ; at += 1) {
    const a = left[at]
    const b = right[at]
    if (a === '#' || b === '#') return true
    if (a === undefined || b === undefined) return a === b
    if (a !== '+' && b !== '+' && a !== b) return false
  }
}

function isWildcard(level: string | undefined): boolean {
  return level === '+' || level === '#'
}
