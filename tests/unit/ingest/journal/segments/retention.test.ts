import { describe, expect, it } from 'vitest'
import { createRandom } from '#lib/runtime/random.ts'
import type { Clock } from '#lib/runtime/clock.ts'
import { waitFor } from '../../../../support/wait-for.ts'
import { appended, messageOf, openSmall } from '../journal-fixture.ts'
import { createSimulatedDisk, type SimulatedDisk } from '../simulated-disk.ts'

const DIR = '/data/journal'
const HOUR_NS = 3_600_000_000_000n

describe('retention of the journal', () => {
  /** Wall time that the test turns; monotonic time that always moves on. */
  function turnedClock(): { readonly clock: Clock; readonly turn: (hours: number) => void } {
    let nowNs = 1_764_000_000_000_000_000n
    let monoNs = 0n
    return {
      clock: { nowNs: () => nowNs, monoNs: () => (monoNs += 1_000_000n) },
      turn: (hours) => (nowNs += BigInt(hours) * HOUR_NS),
    }
  }

  /** A journal whose messages fill a segment each. */
  async function fullSegments(
    disk: SimulatedDisk,
    messages: number,
    more: Parameters<typeof openSmall>[2] = {},
  ) {
    const opened = await openSmall(disk.layer, DIR, { segmentBytes: 1024, ...more })
    for (let number = 1; number <= messages; number += 1) await add(opened.journal, number)
    return opened.journal
  }

  async function add(journal: Parameters<typeof appended>[0], number: number): Promise<void> {
    await appended(journal, messageOf(number, { payload: Buffer.alloc(900) }))
  }

  function segmentsOf(disk: SimulatedDisk): string[] {
    return [...disk.files(DIR).keys()].filter((name) => name.endsWith('.seg')).toSorted()
  }

  it('removes consumed segments after their hours, oldest first, and no others', async () => {
    const disk = createSimulatedDisk({ random: createRandom(1) })
    const { clock, turn } = turnedClock()
    const journal = await fullSegments(disk, 3, { clock, keepHours: 48 })
    const old = segmentsOf(disk)
    turn(40)
    for (let number = 4; number <= 6; number += 1) await add(journal, number)
    journal.release(5)
    turn(9)
    journal.release(5)
    await waitFor(() => segmentsOf(disk).length < 6)
    // The third one ended when the fourth was begun: 9 hours ago.
    expect(old.filter((name) => segmentsOf(disk).includes(name))).toEqual(old.slice(2))
    turn(100)
    journal.release(5)
    await waitFor(() => segmentsOf(disk).length === 1)
    expect(journal.status().segments).toBe(1)
    await journal.close()
  })

  it('keeps unconsumed segments however old and many they are', async () => {
    const disk = createSimulatedDisk({ random: createRandom(2) })
    const { clock, turn } = turnedClock()
    const journal = await fullSegments(disk, 6, { clock, keepHours: 0, keepBytes: 0 })
    turn(1000)
    journal.release(0)
    await journal.close()
    expect(segmentsOf(disk)).toHaveLength(6)
  })

  it('keeps consumed segments of any age while nobody knows what time it is', async () => {
    const disk = createSimulatedDisk({ random: createRandom(2) })
    const { clock, turn } = turnedClock()
    const journal = await fullSegments(disk, 6, { clock, keepHours: 48 })
    journal.keepOld(true)
    turn(2400)
    journal.release(6)
    await journal.close()
    expect(segmentsOf(disk)).toHaveLength(6)
  })

  it('keeps no more consumed bytes than its limit', async () => {
    const disk = createSimulatedDisk({ random: createRandom(3) })
    const journal = await fullSegments(disk, 8, { keepBytes: 3 * 1100 })
    journal.release(8)
    await journal.close()
    // The newest one is not consumed: it is the memory of how far the positions went.
    expect(segmentsOf(disk)).toHaveLength(4)
    expect(segmentsOf(disk).at(-1)).toBe('0000000000000008.seg')
  })

  it('removes consumed segments while free space is under the watermark', async () => {
    const capacity = 40_000
    const disk = createSimulatedDisk({ random: createRandom(4), capacity: () => capacity })
    const journal = await fullSegments(disk, 12, { freeBytes: 30_000 })
    journal.release(9)
    await waitFor(() => segmentsOf(disk).length < 12)
    await journal.close()
    const bytes = [...disk.files(DIR).values()].reduce((sum, { length }) => sum + length, 0)
    expect(capacity - bytes).toBeGreaterThanOrEqual(30_000)
    expect(segmentsOf(disk).length).toBeGreaterThanOrEqual(3)
    expect(segmentsOf(disk)).toEqual(
      Array.from(
        { length: segmentsOf(disk).length },
        (_, index) => `${String(12 - index).padStart(16, '0')}.seg`,
      ).toSorted(),
    )
  })

  it('syncs the folder after a removal, and an interrupted one is no damage', async () => {
    const disk = createSimulatedDisk({ random: createRandom(5) })
    const journal = await fullSegments(disk, 8, { keepBytes: 0 })
    // The spare that is being made would come in between.
    await waitFor(() => journal.status().bytes > 8 * 1024 + 1000)
    const { length } = disk.operations
    journal.release(6)
    await waitFor(() => segmentsOf(disk).length === 2)
    await journal.close()
    const after = disk.operations.slice(length).map(({ what }) => what)
    expect(after.filter((what) => what === 'unlink' || what === 'syncDir')).toEqual([
      ...Array.from({ length: 6 }, () => 'unlink'),
      'syncDir',
    ])
    disk.losePower()
    const again = await openSmall(disk.layer, DIR, { since: 6 })
    expect(again.report).toMatchObject({ lastPosition: 8, records: 2, corruptions: [] })
  })

  it('tries a failed removal again', async () => {
    let broken = true
    const disk = createSimulatedDisk({
      random: createRandom(6),
      fault: ({ what }) => (broken && what === 'unlink' ? 'EIO' : ''),
    })
    const journal = await fullSegments(disk, 5, { keepBytes: 0 })
    journal.release(5)
    await add(journal, 6)
    expect(segmentsOf(disk)).toHaveLength(6)
    broken = false
    journal.release(5)
    await waitFor(() => segmentsOf(disk).length === 1)
    await journal.close()
  })

  it('remembers how far the positions went when everything is consumed', async () => {
    const disk = createSimulatedDisk({ random: createRandom(7) })
    const journal = await fullSegments(disk, 5, { keepBytes: 0, keepHours: 0 })
    journal.release(5)
    await journal.close()
    const again = await openSmall(disk.layer, DIR, { since: 5, keepBytes: 0, keepHours: 0 })
    expect(again.report.lastPosition).toBe(5)
    expect(await appended(again.journal, messageOf(6))).toBe(6)
  })
})
