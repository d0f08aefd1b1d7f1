import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { native } from '../../../ingest/formats/native.ts'
import { vda5050 } from '../../../ingest/formats/vda5050.ts'
import { wmbusmeters } from '../../../ingest/formats/wmbusmeters.ts'
import { DEVICES } from '../../../seeds/devices.ts'
import { HEAT_DAYS, heatHistory } from '../../../seeds/history/heat.ts'
import type { HistoryOptions, Line } from '../../../seeds/history/line.ts'
import { historyOf } from '../../../seeds/send-history.ts'
import { METERS } from '../../../seeds/testbed/heat.ts'
import { TENANTS } from '../../../seeds/testbed/tenants.ts'
import { formatInput } from '../../support/format-input.ts'

const END = Date.UTC(2026, 10, 24, 20, 34)
const HOUR_MS = 3_600_000
const OPTIONS: HistoryOptions = { seed: 1, endMs: END, isKnown: () => false }

describe('the history of the testbed', () => {
  const heat = [...heatHistory(OPTIONS)]

  it('holds each hour of 35 days for each meter', () => {
    for (const { id } of METERS) {
      const times = heat.filter(({ device }) => device === `varme.${id}`).map(({ atMs }) => atMs)
      expect(times).toHaveLength(HEAT_DAYS * 24 + 1)
      expect(times.every((at, n) => n === 0 || at - (times[n - 1] ?? 0) === HOUR_MS)).toBe(true)
      expect(times.at(-1)).toBe(Math.floor(END / HOUR_MS) * HOUR_MS)
    }
  })

  it('delivers heat to all eight towns on every day, from registers that fall only at the reset', () => {
    const towns = new Set(METERS.flatMap(({ town }) => (town === null ? [] : [town])))
    expect(towns.size).toBe(8)
    let falls = 0
    for (const meter of METERS) {
      const registers = registersOf(meter.id)
      const days = registers.filter((_, hour) => hour % 24 === 0)
      // Not more, not less; a register that fell was reset on that day.
      expect(days.filter((value, day) => day > 0 && value === days[day - 1])).toEqual([])
      falls += registers.filter((value, at) => at > 0 && value < (registers[at - 1] ?? 0)).length
    }
    expect(falls).toBe(1)
  })

  it('balances: the heat handed off and pumped is delivered, less the loss of the pipes', () => {
    for (const plant of ['Kassø', 'Padborg west']) {
      const sum = (wanted: string) =>
        METERS.filter((meter) => meter.plant === plant && meter.quantity.of === wanted).reduce(
          (total, { id }) => total + gainOf(registersOf(id)),
          0,
        )
      const delivered = sum('town')
      const put = sum('handoff') + sum('heat_pump_power')
      expect(delivered / put).toBeGreaterThan(0.92)
      expect(delivered / put).toBeLessThan(0.95)
    }
  })

  it('is accepted by the formats of its devices, in order of time for each', () => {
    const formats = { native, vda5050, wmbusmeters }
    const byId = new Map(DEVICES.map((device) => [`${device.tenant}.${device.id}`, device]))
    const last = new Map<string, number>()
    const faults: unknown[] = []
    let readings = 0
    for (const { id: tenant } of TENANTS) {
      let seen = 0
      for (const { device: id, atMs, topic, payload } of historyOf(tenant, OPTIONS)) {
        if (atMs <= (last.get(id) ?? 0) || atMs > END) faults.push([id, atMs])
        last.set(id, atMs)
        seen += 1
        // Every 50th of the many small messages is enough.
        if (seen > 50 && seen % 50 > 0) continue
        const device = byId.get(id)
        const format = formats[(device?.format ?? 'native') as keyof typeof formats]
        const channel = topic.startsWith('padborg/') ? 'telemetry' : topic
        const kind = device?.kind as 'truck'
        const result = format.parse(formatInput(Buffer.from(payload), kind, channel))
        if (result.refused.length > 0 || result.elements.length === 0) faults.push([id, result])
        readings += result.elements.length
      }
    }
    expect(faults).toEqual([])
    expect(readings).toBeGreaterThan(5000)
    expect(last.size).toBe(DEVICES.length)
  }, 60_000)

  it('is the same, byte for byte, for the same seed and end', () => {
    const netlab = (options: HistoryOptions) => digest(historyOf('netlab', options))
    expect(digest(heatHistory(OPTIONS))).toBe(digest(heat))
    expect(netlab(OPTIONS)).toBe(netlab(OPTIONS))
    expect(netlab({ ...OPTIONS, seed: 2 })).not.toBe(netlab(OPTIONS))
  })

  it('is not made for devices that have it already', () => {
    const options = { ...OPTIONS, isKnown: () => true }
    expect(TENANTS.flatMap(({ id }) => [...historyOf(id, options)])).toEqual([])
  })

  function registersOf(id: string): number[] {
    return heat
      .filter(({ device }) => device === `varme.${id}`)
      .map(({ payload }) => {
        const message = JSON.parse(payload)
        return Number(message.total_energy_consumption_kwh ?? message.data?.energyKwh)
      })
  }
})

/** What a register has counted, across a reset. */
function gainOf(registers: readonly number[]): number {
  return registers.reduce((sum, value, at) => {
    const before = registers[at - 1] ?? value
    return sum + (value >= before ? value - before : 0)
  }, 0)
}

function digest(lines: Iterable<Line>): string {
  const hash = createHash('sha256')
  for (const { topic, payload } of lines) hash.update(`${topic} ${payload}\n`)
  return hash.digest('hex')
}
