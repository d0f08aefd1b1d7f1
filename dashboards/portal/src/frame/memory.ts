type Choice = 'language' | 'theme' | 'signed-in'

/** What this browser remembers: choices only, never a key. Nothing where storage is forbidden. */
export function recall(choice: Choice): string | null {
  try {
    return localStorage.getItem(`padborg.${choice}`)
  } catch {
    // A browser may forbid storage; the page then begins with its defaults.
    return null
  }
}

export function remember(choice: Choice, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(`padborg.${choice}`)
    else localStorage.setItem(`padborg.${choice}`, value)
  } catch {
    // As above: the choice holds until the page is closed.
  }
}
