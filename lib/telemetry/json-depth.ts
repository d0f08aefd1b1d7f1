// Written for speed: counts brackets, and scans the characters only where there are many of them.

/** Deeper than any sensible nesting; far below the depth that was seen to do harm. */
export const MAX_JSON_LEVELS = 500

const OPENING_BRACKET = 0x5b
const OPENING_BRACE = 0x7b

/**
 * Whether JSON nests too deep for `JSON.parse`, which at tens of thousands of levels was seen to
 * damage the memory of the process (Node 26.10, V8 14.6). Checked for every JSON from outside
 * before it is parsed.
 */
export function nestsTooDeep(text: string, maxLevels = MAX_JSON_LEVELS): boolean {
  if (text.length <= maxLevels) return false
  let openings = 0
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === OPENING_BRACKET || code === OPENING_BRACE) openings += 1
  }
  return openings > maxLevels && depthExceeds(text, maxLevels)
}

function depthExceeds(text: string, maxLevels: number): boolean {
  let depth = 0
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at]
    if (char === '"') at = endOfString(text, at)
    else if (char === '}' || char === ']') depth -= 1
    else if (char === '{' || char === '[') {
      depth += 1
      if (depth > maxLevels) return true
    }
  }
  return false
}

/** Index of the quote that ends the string beginning at `start`. */
export function endOfString(text: string, start: number): number {
  let at = start + 1
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at
}
