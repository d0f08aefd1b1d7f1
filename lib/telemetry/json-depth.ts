/** Deeper than anything sensible nests; far below what was seen to do harm. */
export const MOST_JSON_LEVELS = 500

const OPENING_BRACKET = 0x5b
const OPENING_BRACE = 0x7b

/**
 * Whether JSON nests too deep to be given to `JSON.parse`, which at tens of thousands of levels was seen
 * to damage the memory of the process (Node 26.10, V8 14.6). Every JSON from outside is asked about first.
 * A text without that many brackets is told by counting, and a short one at once.
 */
export function nestsTooDeep(text: string, mostLevels = MOST_JSON_LEVELS): boolean {
  if (text.length <= mostLevels) return false
  let openings = 0
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at)
    if (code === OPENING_BRACKET || code === OPENING_BRACE) openings += 1
  }
  return openings > mostLevels && depthExceeds(text, mostLevels)
}

function depthExceeds(text: string, mostLevels: number): boolean {
  let depth = 0
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at]
    if (char === '"') at = endOfString(text, at)
    else if (char === '}' || char === ']') depth -= 1
    else if (char === '{' || char === '[') {
      depth += 1
      if (depth > mostLevels) return true
    }
  }
  return false
}

/** Index of the quote that ends the string beginning at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at
}
