import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { BackPressure } from '../../../../broker/connections/back-pressure.ts'
import type { Connection } from '../../../../broker/connections/connection.ts'
import { MESSAGES_PER_TURN, TenantTurns } from '../../../../broker/connections/tenant-turns.ts'

interface Flood {
  readonly connection: Connection
  taken: number
}

describe('the turns of tenants', () => {
  it('share a turn of the event loop, and nobody waits for ever', async () => {
    const floods: Flood[] = []
    const read = ({ taken: before }: Flood, flood: Flood) => {
      while (turns.take(flood.connection)) flood.taken += 1
      return flood.taken - before
    }
    const backPressure = new BackPressure((connection) => {
      const flood = floods.find((one) => one.connection === connection)
      if (flood) read(flood, flood)
    })
    const turns = new TenantTurns(backPressure)
    const of = (prefix: string): Flood => ({
      connection: { prefix, waitingBytes: 0, stream: new PassThrough() } as unknown as Connection,
      taken: 0,
    })
    for (let n = 0; n < 50; n += 1) floods.push(of('acme/'))
    floods.push(of('beta/'))
    for (const flood of floods) read(flood, flood)
    const sumOf = (prefix: string) =>
      floods
        .filter(({ connection }) => connection.prefix === prefix)
        .reduce((sum, { taken }) => sum + taken, 0)
    expect(sumOf('acme/')).toBe(MESSAGES_PER_TURN.ofTenant)
    expect(sumOf('beta/')).toBe(MESSAGES_PER_TURN.ofConnection)
    for (let turn = 0; turn < 40; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    backPressure.close([])
    expect(Math.min(...floods.map(({ taken }) => taken))).toBeGreaterThan(0)
  })
})
