import type { Reading } from '../api/rows.ts'
import { createCell, type Cell } from './cell.ts'

export interface LastValues {
  /** A new map per change; at most one change per flush. */
  readonly cell: Cell<ReadonlyMap<string, Reading>>
  /** Newest receive time seen, Unix ms; null before the first reading. */
  readonly newestMs: Cell<number | null>
  /** Adds a reading of the stream; it shows with the next `flush`. */
  add(reading: Reading): void
  /** Takes a whole list: devices that are not in it are gone. */
  replace(readings: readonly Reading[]): void
  flush(): void
  clear(): void
}

/** More devices than this are not shown one by one. */
const MAX_VALUES = 20_000

export function createLastValues(): LastValues {
  const cell = createCell<ReadonlyMap<string, Reading>>(new Map())
  const newestMs = createCell<number | null>(null)
  let pending = new Map<string, Reading>()

  return {
    cell,
    newestMs,
    add(reading) {
      const key = keyOf(reading)
      if (pending.size < MAX_VALUES || pending.has(key)) pending.set(key, reading)
    },
    replace(readings) {
      const before = cell.get()
      const values = readings
        .slice(0, MAX_VALUES)
        .map((reading) => [keyOf(reading), newer(reading, before.get(keyOf(reading)))] as const)
      publish(new Map(values))
    },
    flush() {
      if (pending.size === 0) return
      const values = new Map(cell.get())
      for (const [key, reading] of pending) {
        if (values.size < MAX_VALUES || values.has(key)) {
          values.set(key, newer(reading, values.get(key)))
        }
      }
      pending = new Map()
      publish(values)
    },
    clear() {
      pending = new Map()
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

/** By receive time: a device clock may be wrong. */
function newer(a: Reading, b: Reading | undefined): Reading {
  if (!b) return a
  return Date.parse(a.receivedAt) >= Date.parse(b.receivedAt) ? a : b
}
