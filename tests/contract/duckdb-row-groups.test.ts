import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openStore } from '#lib/store/open.ts'
import { storeOptions } from './store-fixture.ts'
import { DAY_START_NS, JOURNAL, MINUTE_NS, reading, readingsFrom } from './store-rows.ts'

describe('the row groups of a file', () => {
  let dir = ''
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'padborg-row-groups-'))
  })
  afterEach(() => rmSync(dir, { recursive: true, force: true }))

  it('are merged as it grows slowly, and not rewritten where rows are many', async () => {
    const { store } = await openStore(storeOptions(dir))
    for (let minute = 1; minute <= 30; minute += 1) {
      const readings = [reading(minute, { device: 'acme.slow', timeNs: DAY_START_NS })]
      await store.writer.write({ journal: JOURNAL, toPosition: minute, readings })
      await store.upkeep.maintain(DAY_START_NS + BigInt(minute) * MINUTE_NS)
    }
    // Each batch fills a WAL, so that its checkpoint is due at once.
    for (const first of [101, 5001, 10_001]) {
      const readings = readingsFrom(first, first + 4499, {
        kind: 'robot',
        timeNs: DAY_START_NS,
        channel: 'x'.repeat(4000),
        fields: { batteryPct: 50 },
      })
      await store.writer.write({ journal: JOURNAL, toPosition: first + 4499, readings })
      const { checkpointed } = await store.upkeep.maintain(DAY_START_NS + 30n * MINUTE_NS)
      expect(checkpointed).toBe(first + 4499)
    }
    await store.upkeep.close()
    const path = join(dir, 'fleet-2026-11-24.duckdb')
    expect(await rowGroups(path, 'truck')).toBeLessThanOrEqual(3)
    expect(await rowGroups(path, 'robot')).toBe(3)
  })
})

async function rowGroups(path: string, table: string): Promise<number> {
  const instance = await DuckDBInstance.create(':memory:')
  const connection = await instance.connect()
  await connection.run(`ATTACH '${path}' AS f (READ_ONLY)`)
  const found = await connection.runAndReadAll(
    `SELECT count(DISTINCT row_group_id)::INT AS n FROM pragma_storage_info('f.${table}')`,
  )
  connection.closeSync()
  instance.closeSync()
  return Number(found.getRowObjects()[0]?.['n'])
}
