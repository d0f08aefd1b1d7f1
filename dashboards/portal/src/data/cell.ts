/** A value that notifies its listeners when it changes. */
export interface Cell<T> {
  get(): T
  set(value: T): void
  /** Returns how to stop listening. */
  subscribe(listener: () => void): () => void
}

export function createCell<T>(initial: T): Cell<T> {
  let current = initial
  const listeners = new Set<() => void>()
  return {
    get: () => current,
    set(value) {
      if (Object.is(value, current)) return
      current = value
      for (const listener of listeners) listener()
    },
    subscribe(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
