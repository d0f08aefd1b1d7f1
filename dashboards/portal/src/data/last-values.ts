import type { Reading } from './answers.ts'
import { createCell, type Cell } from './cell.ts'

export interface LastValues {
  /** A new map per change; at most one change per tick. */
  readonly cell: Cell<ReadonlyMap<string, Reading>>
  /** Newest receive time seen, Unix ms; null before the first reading. */
  readonly newestMs: Cell<number | null>
  /** Takes a reading of the stream; it shows with the next `flush`. */
  take(reading: Reading): void
  /** Takes a whole answer: devices that are not in it are gone. */
  replace(readings: readonly Reading[]): void
  flush(): void
  clear(): void
}

/** More devices than this are not shown one by one. */
const MOST_VALUES = 20_000

export function createLastValues(): LastValues {
  const cell = createCell<ReadonlyMap<string, Reading>>(new Map())
  const newestMs = createCell<number | null>(null)
  let waiting = new Map<string, Reading>()

  return {
    cell,
    newestMs,
    take(reading) {
      const key = keyOf(reading)
      if (waiting.size < MOST_VALUES || waiting.has(key)) waiting.set(key, reading)
    },
    replace(readings) {
      const before = cell.get()
      const values = readings
        .slice(0, MOST_VALUES)
        .map((reading) => [keyOf(reading), later(reading, before.get(keyOf(reading)))] as const)
      publish(new Map(values))
    },
    flush() {
      if (waiting.size === 0) return
      const values = new Map(cell.get())
      for (const [key, reading] of waiting) {
        if (values.size < MOST_VALUES || values.has(key)) {
          values.set(key, later(reading, values.get(key)))
        }
      }
      waiting = new Map()
      publish(values)
    },
    clear() {
      waiting = new Map()
      newestMs.set(null)
      cell.set(new Map())
    },
  }

  function publish(values: ReadonlyMap<string, Reading>): void {
    let newest = newestMs.get()
    for (const { receivedAt } of values.values()) {
      const atMs = Date.parse(receivedAt)
      if (newest === null || atMs > newest) newest = atMs
    }
    newestMs.set(newest)
    cell.set(values)
  }
}

function keyOf({ device, kind, channel }: Reading): string {
  return `${device} ${kind} ${channel}`
}

/** A reading whose device clock was unusable says nothing about what is the latest. */
function later(a: Reading, b: Reading | undefined): Reading {
  if (!b) return a
  return Date.parse(a.receivedAt) >= Date.parse(b.receivedAt) ? a : b
}
