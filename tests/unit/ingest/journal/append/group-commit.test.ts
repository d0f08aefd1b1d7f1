import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { isPlatformError } from '#lib/runtime/errors.ts'
import { createRandom } from '#lib/runtime/random.ts'
import { HEADER_BYTES } from '../../../../../ingest/journal/segments/segment-header.ts'
import type { FileLayer } from '../../../../../ingest/journal/files/file-layer.ts'
import { waitFor } from '../../../../support/wait-for.ts'
import { appended, captureLog, messageOf, openSmall } from '../journal-fixture.ts'
import { createSimulatedDisk, type Operation } from '../simulated-disk.ts'

const DIR = '/data/journal'

describe('group commit', () => {
  function disk(onOperation: (operation: Operation) => void = () => undefined) {
    return createSimulatedDisk({
      random: createRandom(11),
      fault(operation) {
        if (operation.path.endsWith('.seg')) onOperation(operation)
        return ''
      },
    })
  }

  it('writes a group with one write and one sync, and the next one after it', async () => {
    const done: string[] = []
    const { layer } = disk(({ what }) => what !== 'open' && done.push(what))
    const { journal } = await openSmall(layer, DIR, { segmentBytes: 1_000_000 })
    await waitFor(() => journal.status().bytes >= 1_000_000)
    let acknowledged = 0
    for (let number = 1; number <= 300; number += 1) {
      journal.append(messageOf(number), () => (acknowledged += 1))
      if (number % 7 === 0) await turn()
    }
    await waitFor(() => acknowledged === 300)
    // The name of the spare, then the header with the first group.
    expect(done.slice(0, 4)).toEqual(['rename', 'write', 'write', 'sync'])
    const rest = done.slice(4)
    expect(rest.length).toBeGreaterThan(10)
    expect(rest.every((what, index) => what === (index % 2 === 0 ? 'write' : 'sync'))).toBe(true)
    expect(journal.status().syncs).toBe(rest.length / 2 + 1)
    await journal.close()
  })

  it('takes messages while a sync hangs, and writes nothing before it has ended', async () => {
    const operations: string[] = []
    const { layer } = disk(({ what }) => operations.push(what))
    const gate = Promise.withResolvers<void>()
    let hanging = false
    const slow = slowSync(layer, async () => {
      if (hanging) await gate.promise
    })
    const { journal } = await openSmall(slow, DIR, { segmentBytes: 1_000_000 })
    await waitFor(() => journal.status().bytes >= 1_000_000)
    await appended(journal, messageOf(1))
    hanging = true
    let acknowledged = 0
    for (let number = 2; number <= 100; number += 1) {
      journal.append(messageOf(number), () => (acknowledged += 1))
      await turn()
    }
    const writes = operations.filter((what) => what === 'write').length
    for (let turns = 0; turns < 50; turns += 1) await turn()
    expect(operations.filter((what) => what === 'write')).toHaveLength(writes)
    expect(acknowledged).toBe(0)
    expect(journal.status().pendingMessages).toBe(99)
    gate.resolve()
    await waitFor(() => acknowledged === 99)
    // What came meanwhile is one group.
    expect(operations.filter((what) => what === 'write')).toHaveLength(writes + 1)
    await journal.close()
  })

  it('writes nothing within the window after a group, then all of it as one group', async () => {
    const groups: number[] = []
    const { layer } = disk(
      ({ what, bytes }) => what === 'write' && bytes !== HEADER_BYTES && groups.push(bytes),
    )
    const { journal } = await openSmall(layer, DIR, { windowMs: 60_000, segmentBytes: 1_000_000 })
    await appended(journal, messageOf(1))
    for (let number = 2; number <= 5; number += 1) {
      journal.append(messageOf(number), () => undefined)
      for (let turns = 0; turns < 20; turns += 1) await turn()
    }
    expect(groups).toHaveLength(1)
    await journal.close()
    expect(groups).toHaveLength(2)
  })

  it('does not wait after a silence, flushes at once when closed, and writes nothing more', async () => {
    const operations: string[] = []
    const { layer } = disk(({ what }) => operations.push(what))
    const { journal } = await openSmall(layer, DIR, { windowMs: 60_000 })
    await appended(journal, messageOf(1))
    const positions: number[] = []
    for (let number = 2; number <= 20; number += 1) {
      journal.append(messageOf(number), (_error, position) => positions.push(position))
    }
    await turn()
    expect(positions).toEqual([])
    const closed = journal.close()
    await closed
    expect(journal.close()).toBe(closed)
    expect(positions).toEqual(Array.from({ length: 19 }, (_, index) => index + 2))
    const { length } = operations
    await expect(appended(journal, messageOf(21))).rejects.toSatisfy((error) =>
      isPlatformError(error, 'CLOSED'),
    )
    journal.release(20)
    for (let turns = 0; turns < 20; turns += 1) await turn()
    expect(operations).toHaveLength(length)
  })

  it('acknowledges every message, also after a callback that throws', async () => {
    const { log, lines } = captureLog()
    const { journal } = await openSmall(disk().layer, DIR, { log })
    const told: string[] = []
    journal.onDurable(() => {
      throw new Error('broken listener')
    })
    journal.onDurable(({ position }) => told.push(`durable ${position}`))
    journal.append(messageOf(1), () => {
      throw new Error('broken callback')
    })
    journal.append(messageOf(2), (_error, position) => told.push(`done ${position}`))
    await appended(journal, messageOf(3))
    await waitFor(() => told.length === 2)
    expect(told).toEqual(['done 2', 'durable 3'])
    expect(lines.filter(({ msg }) => String(msg).includes('failed'))).toHaveLength(2)
    await journal.close()
  })

  it('moves the durable position before it acknowledges', async () => {
    const { journal } = await openSmall(disk().layer, DIR)
    for (let number = 1; number <= 50; number += 1) {
      journal.append(messageOf(number), (_error, position) => {
        expect(journal.durable.position).toBeGreaterThanOrEqual(position)
      })
    }
    expect(await appended(journal, messageOf(51))).toBe(51)
    await journal.close()
  })

  it('pauses when the store lags, and resumes when it has caught up', async () => {
    const { journal } = await openSmall(disk().layer, DIR, { lagBytes: 10_000 })
    const changes: boolean[] = []
    journal.onPausedChange((paused) => changes.push(paused))
    let number = 0
    while (!journal.paused) await appended(journal, messageOf((number += 1)))
    expect(journal.status().problem).toContain('PADBORG_JOURNAL_LAG_BYTES')
    expect(number).toBeGreaterThan(50)
    // It holds, but what comes all the same is taken.
    expect(await appended(journal, messageOf(number + 1))).toBe(number + 1)
    journal.release(number / 2)
    expect(journal.status()).toMatchObject({ paused: false, problem: '' })
    expect(changes).toEqual([true, false])
    await journal.close()
    const again = await openSmall(disk().layer, DIR, { lagBytes: 10_000 })
    expect(again.journal.paused).toBe(false)
  })

  it('refuses texts that MQTT does not allow, and continues', async () => {
    const { journal } = await openSmall(disk().layer, DIR)
    const tooLong = messageOf(1, { topic: 'x'.repeat(65_536) })
    expect(() => journal.append(tooLong, () => undefined)).toThrow(RangeError)
    expect(await appended(journal, messageOf(2))).toBe(1)
    await journal.close()
  })
})

/** A layer whose syncs of segments wait for something more. */
function slowSync(layer: FileLayer, wait: () => Promise<void>): FileLayer {
  return {
    ...layer,
    async open(path, mode) {
      const file = await layer.open(path, mode)
      if (!path.endsWith('.seg')) return file
      return {
        ...file,
        async datasync() {
          await wait()
          await file.datasync()
        },
      }
    },
  }
}
