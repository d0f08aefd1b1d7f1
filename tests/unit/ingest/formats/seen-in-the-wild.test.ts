import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { vda5050 } from '../../../../ingest/formats/vda5050.ts'
import { wmbusmeters } from '../../../../ingest/formats/wmbusmeters.ts'
import { formatInput } from '../../../support/format-input.ts'

/** Messages of several vendors, read where they lie: they are not ours to copy. */
const WILD = join(import.meta.dirname, '../../../../../shared/cases')

interface Row {
  readonly case?: string
  readonly topic: string
  readonly payload?: unknown
  readonly payload_text?: string
}

function rowsOf(file: string): readonly Row[] {
  const path = join(WILD, file)
  if (!existsSync(path)) return []
  return readFileSync(path, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
}

describe.skipIf(!existsSync(WILD))('robots seen in the wild (../shared/cases)', () => {
  const rows = rowsOf('vda5050_in_the_wild.jsonl')
  /** What a vendor is told; all other messages of the file are events. */
  const refusedAt: Readonly<Record<string, string>> = {
    'anscer-state': 'errors',
    'roboligent-state': 'orderUpdateId',
    'inatech-state': 'safetyState.eStop',
    'seer-lastwill': 'timestamp',
    'vda-state-2.1-partial': 'headerId',
    'vda-state-3.0-partial': 'headerId',
  }

  function parse({ topic, payload }: Row, lenient: boolean) {
    const input = formatInput(Buffer.from(JSON.stringify(payload)), 'robot', topic)
    return vda5050.parse({ ...input, device: { ...input.device, settings: { lenient } } })
  }

  it.each(rows)('$case is an event, or refused by the path of its fault', (row) => {
    const { elements, refused } = parse(row, false)
    expect(elements).toEqual([])
    expect(refused.map(({ path }) => path)).toEqual([refusedAt[row.case ?? ''] ?? []].flat())
  })

  it.each(rows)('$case is read when the robot is lenient', (row) => {
    const { elements, refused } = parse(row, true)
    expect(refused).toEqual([])
    expect(elements).toHaveLength(row.topic.endsWith('/state') ? 1 : 0)
    for (const { fields } of elements) expect(fields['socPct']).toBeGreaterThan(0)
  })
})

describe.skipIf(!existsSync(WILD))('meters seen in the wild (../shared/cases)', () => {
  it.each(rowsOf('heat_mqtt_conventions.jsonl'))('$topic is no telegram of wmbusmeters', (row) => {
    const text = row.payload_text ?? JSON.stringify(row.payload)
    const output = wmbusmeters.parse(formatInput(Buffer.from(text), 'heat_meter', row.topic))
    expect(output.elements).toEqual([])
    expect(output.refused).toMatchObject([{ reason: expect.stringMatching(/schema|malformed/) }])
  })
})
