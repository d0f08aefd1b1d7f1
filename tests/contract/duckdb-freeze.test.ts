import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openStore } from '#lib/store/open.ts'
import { expectRows, storeOptions } from './store-fixture.ts'
import { DAY_NS, DAY_START_NS, JOURNAL, readingsFrom } from './store-rows.ts'

const HEADER_BYTES = 3 * 4096
/** All of one partition. */
const TODAY = { receivedAtNs: DAY_START_NS + 1n }

describe('the files of a frozen store', () => {
  let dir: string
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'padborg-freeze-'))
    for (const name of ['store', 'frozen', 'copy']) mkdirSync(join(dir, name))
  })
  afterEach(() => rmSync(dir, { recursive: true, force: true }))

  it('hold what was written before, while much more is written', async () => {
    const { store } = await openStore(storeOptions(join(dir, 'store')))
    const before = readingsFrom(1, 3000, TODAY)
    await store.writer.write({ journal: JOURNAL, toPosition: 3000, readings: before })
    await store.upkeep.maintain(DAY_START_NS + DAY_NS)
    const names = await store.upkeep.freeze(join(dir, 'frozen'))
    const headers = names.map((name) => headerOf(name))
    // Batches of this size are written to blocks of the file before they are committed.
    for (let batch = 0; batch < 3; batch += 1) {
      const first = 3001 + batch * 150_000
      const readings = readingsFrom(first, first + 149_999, TODAY)
      await store.writer.write({ journal: JOURNAL, toPosition: first + 149_999, readings })
    }
    expect(names.map((name) => headerOf(name))).toEqual(headers)
    cpSync(join(dir, 'frozen'), join(dir, 'copy'), { recursive: true })
    await store.upkeep.close()
    const copy = await openStore(storeOptions(join(dir, 'copy')))
    expect(copy.missingFrom).toBeNull()
    expect(Object.values(copy.store.writer.positions())).toEqual([3000])
    await expectRows(copy.store, before)
    await copy.store.upkeep.close()
  })

  function headerOf(name: string): Buffer {
    return readFileSync(join(dir, 'frozen', name)).subarray(0, HEADER_BYTES)
  }
})
