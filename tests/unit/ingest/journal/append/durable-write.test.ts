import { join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import { afterAll, describe, expect, it } from 'vitest'
import { createRandom } from '#lib/runtime/random.ts'
import { isPlatformError } from '#lib/runtime/errors.ts'
import type { Journal } from '../../../../../ingest/journal/journal.ts'
import { segmentName } from '../../../../../ingest/journal/segments/segment-header.ts'
import { temporaryDir } from '../../../../support/platform.ts'
import { waitFor } from '../../../../support/wait-for.ts'
import {
  appended,
  captureLog,
  ERROR_LEVEL,
  messageOf,
  openSmall,
  readAll,
} from '../journal-fixture.ts'
import { createSimulatedDisk, type Operation, type SimulatedDisk } from '../simulated-disk.ts'

const DIR = '/data/journal'

describe('journal on a failing disk', () => {
  const dir = temporaryDir('journal-failing')
  afterAll(() => dir.remove())

  /** A disk whose fault can be switched on and off. */
  function faultyDisk(capacity?: () => number) {
    const state = { fault: (_operation: Operation) => '' }
    const disk = createSimulatedDisk({
      random: createRandom(7),
      fault: (operation) => state.fault(operation),
      ...(capacity && { capacity }),
    })
    return { disk, state }
  }

  function copied(disk: SimulatedDisk, name: string): string {
    const realDir = join(dir.path, name)
    disk.copyTo(DIR, realDir)
    return realDir
  }

  function payloadsOf(disk: SimulatedDisk, name: string, { id, durable }: Journal): string[] {
    return readAll({ dir: copied(disk, name), id }, durable).map(({ payload }) =>
      Buffer.from(payload).toString(),
    )
  }

  const broken: readonly [string, string, (operation: Operation) => boolean][] = [
    ['write', 'EIO', ({ what, path }) => what === 'write' && path.endsWith('.seg')],
    ['fsync', 'EIO', ({ what, path }) => what === 'sync' && path.endsWith('.seg')],
    ['full disk', 'ENOSPC', ({ what }) => what === 'write'],
    ['folder sync', 'EIO', ({ what }) => what === 'syncDir'],
    ['new file', 'EMFILE', ({ what }) => what === 'open'],
    ['everything', 'EIO', () => true],
  ]

  it.each(broken)(
    'holds while it fails (%s: %s), and recovers by itself',
    async (name, code, hits) => {
      const { disk, state } = faultyDisk()
      const { log, lines } = captureLog()
      const { journal } = await openSmall(disk.layer, DIR, { log })
      const changes: boolean[] = []
      journal.onPausedChange((paused) => changes.push(paused))
      await appended(journal, messageOf(1))
      // The next group needs a new segment, so every operation is on its way.
      state.fault = (operation) => (hits(operation) ? code : '')
      const acknowledged: number[] = []
      for (let number = 2; number <= 400; number += 1) {
        journal.append(messageOf(number), (error, position) => {
          if (!error) acknowledged.push(position)
        })
      }
      await waitFor(() => journal.paused, { what: 'the journal is paused' })
      const before = acknowledged.length
      expect(journal.status().problem).toContain(DIR)
      expect(journal.status().problem).toContain(code)
      expect(journal.status().problem).toContain(code === 'ENOSPC' ? 'free some' : 'check the disk')
      await turn()
      expect(acknowledged.length).toBe(before)
      state.fault = () => ''
      await waitFor(() => acknowledged.length === 399, { what: 'everything is acknowledged' })
      expect(acknowledged).toEqual(Array.from({ length: 399 }, (_, index) => index + 2))
      expect(changes).toEqual([true, false])
      expect(journal.status()).toMatchObject({ paused: false, problem: '', pendingMessages: 0 })
      expect(lines.filter(({ level }) => level === ERROR_LEVEL)).toHaveLength(1)
      expect(lines.at(-1)?.['msg']).toContain('nothing acknowledged was lost')
      const expected = Array.from({ length: 400 }, (_, index) => `message ${index + 1};`)
      expect(payloadsOf(disk, `${name}-live`, journal)).toEqual(expected)
      disk.losePower()
      const again = await openSmall(disk.layer, DIR)
      expect(again.report).toMatchObject({ lastPosition: 400, records: 400, corruptions: [] })
      expect(payloadsOf(disk, name, again.journal)).toEqual(expected)
    },
  )

  it('abandons the segment of a failed sync at its last synced group', async () => {
    const { disk, state } = faultyDisk()
    const { journal } = await openSmall(disk.layer, DIR)
    await appended(journal, messageOf(1))
    const { segment, offset } = journal.durable
    let failures = 1
    state.fault = ({ what, path }) =>
      what === 'sync' && path.endsWith('.seg') && failures-- > 0 ? 'EIO' : ''
    await appended(journal, messageOf(2))
    expect(disk.files(DIR).get(segmentName(segment))?.length).toBe(offset)
    expect(journal.durable.segment).toBeGreaterThan(segment)
    const writes = disk.operations.filter(
      ({ what, path }) => what === 'write' && path.endsWith(segmentName(segment)),
    )
    // Header and group of the first message, then the group that failed; nothing after it.
    expect(writes).toHaveLength(3)
    expect(journal.paused).toBe(false)
    expect(journal.status().failedSyncs).toBe(1)
  })

  it('makes durable what a recovery shows, also from pages that a failed sync marked clean', async () => {
    for (let seed = 1; seed <= 10; seed += 1) {
      let isSyncBroken = false
      const disk = createSimulatedDisk({
        random: createRandom(seed),
        fault({ what, path }) {
          if (!isSyncBroken || what !== 'sync' || !path.endsWith('.seg')) return ''
          disk.crashAfter(1)
          return 'EIO'
        },
      })
      const { journal } = await openSmall(disk.layer, DIR)
      await appended(journal, messageOf(1))
      isSyncBroken = true
      journal.append(messageOf(2), () => undefined)
      await disk.crashed
      isSyncBroken = false
      disk.kill()
      const { report } = await openSmall(disk.layer, DIR)
      expect(report.lastPosition).toBe(2)
      disk.losePower()
      const again = await openSmall(disk.layer, DIR)
      expect(again.report, `seed ${seed}`).toMatchObject({ lastPosition: 2, corruptions: [] })
    }
  })

  it('a full disk gives up consumed segments first, and the rest waits for space', async () => {
    let capacity = 40_000
    const { disk } = faultyDisk(() => capacity)
    const { journal } = await openSmall(disk.layer, DIR)
    const filler = messageOf(0, { payload: Buffer.alloc(1000, 7) })
    for (let number = 1; number <= 20; number += 1) await appended(journal, filler)
    journal.release(10)
    for (let number = 21; number <= 30; number += 1) await appended(journal, filler)
    expect(payloadsOf(disk, 'consumed', journal).length).toBeLessThan(30)
    let acknowledged = 30
    for (let number = 31; number <= 60; number += 1) {
      journal.append(filler, () => (acknowledged += 1))
    }
    await waitFor(() => journal.paused)
    expect(journal.status().problem).toContain('is full')
    expect(acknowledged).toBeLessThan(60)
    capacity = 200_000
    await waitFor(() => acknowledged === 60)
    expect(journal.paused).toBe(false)
    const { length } = readAll({ dir: copied(disk, 'all'), id: journal.id }, journal.durable, {
      after: 10,
    })
    expect(length).toBe(50)
  })

  it('fails with CLOSED what the disk refuses until the end, in order, and writes no more', async () => {
    const { disk, state } = faultyDisk()
    const { journal } = await openSmall(disk.layer, DIR)
    await appended(journal, messageOf(1))
    state.fault = () => 'EIO'
    const answers: boolean[] = []
    for (let number = 2; number <= 5; number += 1) {
      journal.append(messageOf(number), (error) => answers.push(isPlatformError(error, 'CLOSED')))
    }
    await waitFor(() => journal.paused)
    await journal.close()
    expect(answers).toEqual([true, true, true, true])
    state.fault = () => ''
    const { length } = disk.operations
    journal.append(messageOf(6), (error) => answers.push(isPlatformError(error, 'CLOSED')))
    journal.release(1)
    await turn()
    expect(answers).toHaveLength(5)
    expect(disk.operations).toHaveLength(length)
    const again = await openSmall(disk.layer, DIR)
    expect(again.report.lastPosition).toBe(1)
  })

  it('keeps in memory only what waits', async () => {
    const { disk, state } = faultyDisk()
    const { journal } = await openSmall(disk.layer, DIR, { lagBytes: 20_000 })
    state.fault = () => 'EIO'
    let sent = 0
    let answered = 0
    // A broker stops when the journal is paused; what is on its way by then waits encoded.
    while (!journal.paused && sent < 1000) {
      journal.append(messageOf((sent += 1)), () => (answered += 1))
      await turn()
    }
    expect(journal.status()).toMatchObject({ pendingMessages: sent, paused: true })
    expect(journal.status().pendingBytes).toBeLessThan(20_000 + 200)
    state.fault = () => ''
    await waitFor(() => answered === sent)
    expect(journal.status()).toMatchObject({ pendingMessages: 0, pendingBytes: 0 })
  })

  it('works without a spare segment, and gets one again when there is space', async () => {
    const { disk, state } = faultyDisk()
    const { journal } = await openSmall(disk.layer, DIR)
    state.fault = ({ path }) => (path.endsWith('spare.tmp') ? 'ENOSPC' : '')
    const filler = messageOf(0, { payload: Buffer.alloc(1500) })
    for (let number = 1; number <= 8; number += 1) await appended(journal, filler)
    expect(journal.paused).toBe(false)
    state.fault = () => ''
    for (let number = 9; number <= 16; number += 1) await appended(journal, filler)
    await waitFor(() => disk.files(DIR).get('spare.tmp')?.length === 4096)
    expect(journal.durable.position).toBe(16)
  })
})
