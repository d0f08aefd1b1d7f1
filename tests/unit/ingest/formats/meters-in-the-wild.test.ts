import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Device } from '#lib/registry/registry.ts'
import { formatNamed } from '../../../../ingest/formats/catalogue.ts'
import { formatInput } from '../../../support/format-input.ts'

/** Messages of several vendors, read where they lie: they are not ours to copy. */
const WILD = join(import.meta.dirname, '../../../../../shared/cases')
const FILE = join(WILD, 'heat_mqtt_conventions.jsonl')

interface Row {
  readonly topic: string
  readonly payload?: unknown
  readonly payload_text?: string
}

const rows: readonly Row[] = existsSync(FILE)
  ? readFileSync(FILE, 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
  : []

function parse(format: string, topic: string, settings: Device['settings'] = {}) {
  const row = rows.find((one) => one.topic.includes(topic))
  const text = row?.payload_text ?? JSON.stringify(row?.payload)
  const input = formatInput(Buffer.from(text), 'heat_meter', row?.topic ?? topic, settings)
  return formatNamed(format)?.parse(input)
}

describe.skipIf(!existsSync(FILE))('meters seen in the wild (../shared/cases)', () => {
  const MEDIA = expect.stringContaining('a medium of heat_meter')

  it('the gas meter in the example of Elvaco is refused by its medium', () => {
    expect(parse('elvaco', 'ecmXv1.0')).toEqual({
      elements: [],
      refused: [
        {
          elementIndex: 0,
          reason: 'kind',
          path: '[0].mbus-raw-value.medium',
          expected: MEDIA,
          got: '"gas"',
        },
      ],
    })
  })

  it('its telegram alone is refused by its length, as M-Bus without a frame', () => {
    const text = rows.find(({ topic }) => topic.includes('ecmXv1.0'))?.payload_text ?? ''
    const telegram = text.trim().split(';').at(-1) ?? ''
    const input = formatInput(Buffer.from(telegram), 'heat_meter', 'mbus')
    expect(formatNamed('mbus')?.parse(input).refused).toMatchObject([
      { reason: 'malformed', path: 'length' },
    ])
  })

  it.each([
    ['kamstrup2mqtt', { reason: 'schema', expected: 'a value of heat_meter, such as ENERGY_WH' }],
    ['senml', { reason: 'schema', expected: 'a pack: an array of records', got: 'object' }],
    ['mbus', { reason: 'malformed', path: 'hex' }],
    ['nabovarme', { reason: 'malformed', expected: expect.stringContaining('e1=56.726 MWh') }],
    ['elvaco', { reason: 'malformed', path: '[0]', expected: '5 cells with ; between them' }],
  ])('the JSON-RPC of Rubetek is refused by %s with a reason', (format, refused) => {
    const output = parse(format, 'rubetek')
    expect(output?.elements).toEqual([])
    expect(output?.refused).toMatchObject([refused])
  })
})
