import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Device } from '#lib/registry/registry.ts'
import { elvaco } from '../../../../ingest/formats/elvaco.ts'
import { formatInput } from '../../../support/format-input.ts'

const CASE = join(import.meta.dirname, '../../../cases/elvaco/one-row-in-winter/input.json')
const [HEAD = '', ROW = ''] = readFileSync(CASE, 'utf8').split('\n')
const TOPIC = 'Company A/ecmXv1.0/CMe3100/4001/0016123456/06855817'

function parse(text: string, settings: Device['settings'] = { timezone: 'UTC' }, topic = TOPIC) {
  return elvaco.parse(formatInput(Buffer.from(text), 'heat_meter', topic, settings))
}

describe('a report', () => {
  it('is read row by row: a bad row does not affect the others', () => {
    const good = parse(`${HEAD}\n${ROW}\n${ROW.replace('17:00', '18:00')}\n`)
    const mixed = parse(`${HEAD}\n${ROW}\n1;2;3\n${ROW.replace('17:00', '18:00')}\n`)
    expect(good.elements).toHaveLength(2)
    expect(mixed.refused).toMatchObject([{ elementIndex: 1, reason: 'malformed', path: '[1]' }])
    const told = (output: typeof good) => output.elements.map(({ timeNs, hash }) => [timeNs, hash])
    expect(told(mixed)).toEqual(told(good))
  })

  it('has one hash per row', () => {
    const { elements } = parse(`${ROW}\n${ROW.replace('17:00', '18:00')}\n`)
    expect(new Set(elements.map(({ hash }) => hash)).size).toBe(2)
  })

  it('finds its columns by their names, in any order', () => {
    const order = (line: string) => line.split(';').toReversed().join(';')
    const [head = '', row = ''] = [HEAD, ROW].map(order)
    // Only a header that begins as the documentation has it is one.
    expect(parse(`${head}\n${row}`).elements).toEqual([])
    const swapped = (line: string) => {
      const [gateway, meter, ...rest] = line.split(';')
      return [gateway, ...rest, meter].join(';')
    }
    const { elements } = parse(`${swapped(HEAD)}\n${swapped(ROW)}`)
    expect(elements).toMatchObject([{ fields: { energyKwh: 37351 } }])
  })

  it('on a native channel is read without a meter in the topic', () => {
    expect(parse(`${HEAD}\n${ROW}`, { timezone: 'UTC' }, 'elvaco').elements).toMatchObject([
      { flags: 0, timeNs: 1_764_003_600_000_000_000n },
    ])
  })
})
