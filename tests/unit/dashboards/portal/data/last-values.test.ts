import { describe, expect, it } from 'vitest'
import { createLastValues } from '../../../../../dashboards/portal/src/data/last-values.ts'

describe('last values', () => {
  const reading = (device: string, second: number) => ({
    time: '2026-11-24T12:00:00Z',
    device,
    tenant: 'acme',
    kind: 'truck' as const,
    channel: 'telemetry',
    seq: second,
    receivedAt: `2026-11-24T12:00:${String(second).padStart(2, '0')}Z`,
    claimedTime: null,
    flags: [],
    fields: {},
    radio: null,
  })

  it('change once per flush, and never go back to an older reading', () => {
    const values = createLastValues()
    let changes = 0
    values.cell.subscribe(() => (changes += 1))
    for (let second = 1; second <= 50; second += 1) values.add(reading('acme.t1', second))
    values.flush()
    values.flush()
    expect(changes).toBe(1)
    values.replace([reading('acme.t1', 40)])
    expect([...values.cell.get().values()].map(({ seq }) => seq)).toEqual([50])
    expect(values.newestMs.get()).toBe(Date.parse('2026-11-24T12:00:50Z'))
  })

  it('keep no more than 20 000 devices', () => {
    const values = createLastValues()
    for (let n = 0; n < 25_000; n += 1) values.add(reading(`acme.t${n}`, 1))
    values.flush()
    expect(values.cell.get().size).toBe(20_000)
  })
})
