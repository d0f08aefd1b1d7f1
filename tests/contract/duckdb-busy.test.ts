import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openStore } from '#lib/store/open.ts'
import type { Store } from '#lib/store/store.ts'
import { ALL, WIDE, latencyOf, lossOf, storeOptions } from './store-fixture.ts'
import { DAY_START_NS, JOURNAL, MINUTE_NS, readingsFrom } from './store-rows.ts'

const MANY = 160_000
const LATENCY = { scope: ALL, ...WIDE, by: ['device'], stages: ['age'] } as const

describe('a busy DuckDB store', () => {
  let dir = ''
  let store: Store | null = null

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'padborg-busy-'))
  })
  afterEach(async () => {
    await store?.upkeep.close()
    rmSync(dir, { recursive: true, force: true })
  })

  const open = async (position = 0): Promise<Store> => {
    const expected = position === 0 ? {} : { 'fleet-2026-11-24': position }
    ;({ store } = await openStore(storeOptions(dir, { expected })))
    return store
  }
  const write = (to: Store, first: number, last: number) =>
    to.writer.write({ journal: JOURNAL, toPosition: last, readings: readingsFrom(first, last) })

  it('writes, rolls up and checkpoints while scans run that began before', async () => {
    const opened = await open()
    await write(opened, 1, MANY)
    await opened.upkeep.maintain(DAY_START_NS)
    let overlapped = 0
    for (let round = 1; round <= 3; round += 1) {
      let isDone = false
      const result = latencyOf(opened, { ...LATENCY, everyNs: MINUTE_NS / 60n }).finally(
        () => (isDone = true),
      )
      const last = MANY + round * 100
      await write(opened, last - 99, last)
      // Two minutes later everything is due.
      const report = await opened.upkeep.maintain(DAY_START_NS + BigInt(round) * 2n * MINUTE_NS)
      expect(report).toMatchObject({ checkpointed: last, behind: 0 })
      if (!isDone) overlapped += 1
      expect((await result).length).toBeGreaterThan(100_000)
    }
    expect(overlapped).toBeGreaterThan(0)
  }, 60_000)

  it('derives the figures of all it has been given at once, from its first row on', async () => {
    const opened = await open()
    await write(opened, 1, MANY)
    expect(await opened.upkeep.maintain(DAY_START_NS)).toMatchObject({ behind: 0 })
    await write(opened, MANY + 1, 2 * MANY)
    expect(await opened.upkeep.maintain(DAY_START_NS + MINUTE_NS)).toMatchObject({ behind: 0 })
  }, 60_000)

  it('catches up step by step after a start, and says how far behind it is', async () => {
    const first = await open()
    await write(first, 1, MANY)
    await first.upkeep.close()
    const opened = await open(MANY)
    const asked = { ...LATENCY, everyNs: null }
    const before = await lossOf(opened, asked)
    const behind: number[] = []
    for (let round = 1; behind.at(-1) !== 0; round += 1) {
      behind.push((await opened.upkeep.maintain(DAY_START_NS + BigInt(round) * MINUTE_NS)).behind)
      expect(await lossOf(opened, asked)).toEqual(before)
    }
    // Each round gets on, by steps of 50 000 positions.
    expect(behind).toEqual(behind.toSorted((a, b) => b - a))
    expect(behind.length).toBeLessThanOrEqual(3)
    expect(before).toMatchObject([{ received: MANY, lost: 0 }])
  }, 60_000)
})
