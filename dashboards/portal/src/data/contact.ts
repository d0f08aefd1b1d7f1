export interface ContactFacts {
  /** When the platform last sent anything, by its own clock. */
  readonly contactMs: number
  readonly isFailing: boolean
}

/** Not a cell: it changes with each piece of a stream, and ages are shown once a second. */
export interface Contact {
  get(): ContactFacts
  made(): void
  failed(): void
}

export function createContact(nowMs: () => number): Contact {
  let facts: ContactFacts = { contactMs: nowMs(), isFailing: false }
  return {
    get: () => facts,
    made: () => void (facts = { contactMs: nowMs(), isFailing: false }),
    failed: () => void (facts = { ...facts, isFailing: true }),
  }
}
