type Item = 'language' | 'theme' | 'signed-in'

/** The browser stores choices only, never a key. Null where storage is forbidden. */
export function readItem(item: Item): string | null {
  try {
    return localStorage.getItem(`padborg.${item}`)
  } catch {
    // A browser may forbid storage; the page then begins with its defaults.
    return null
  }
}

/** Null removes the item. */
export function writeItem(item: Item, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(`padborg.${item}`)
    else localStorage.setItem(`padborg.${item}`, value)
  } catch {
    // As above: the choice holds until the page is closed.
  }
}
