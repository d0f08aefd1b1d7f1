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

  it('resume no more connections in a turn than can be served, in the order of their waiting', async () => {
    const order: Connection[] = []
    const connections: Connection[] = []
    let resumed = 0
    let mostInTurn = 0
    const backPressure = new BackPressure((connection) => {
      resumed += 1
      if (turns.take(connection)) order.push(connection)
    })
    const turns = new TenantTurns(backPressure)
    const many = MESSAGES_PER_TURN.ofTenant * 3
    for (let n = 0; n < many; n += 1) {
      const stream = new PassThrough()
      connections.push({ prefix: 'acme/', waitingBytes: 0, stream } as unknown as Connection)
    }
    for (const connection of connections) if (turns.take(connection)) order.push(connection)
    while (order.length < many) {
      const before = resumed
      await new Promise((resolve) => setImmediate(resolve))
      mostInTurn = Math.max(mostInTurn, resumed - before)
    }
    backPressure.close([])
    expect(mostInTurn).toBeLessThanOrEqual(MESSAGES_PER_TURN.ofTenant)
    expect(order).toEqual(connections)
  })

  it('give each of many tenants less of a turn, and each of them some', async () => {
    const turns = new TenantTurns(new BackPressure(() => {}))
    const floods = Array.from({ length: 200 }, (_, n) => `t${n}/`)
    const takeAll = () =>
      floods.map((prefix) => {
        let taken = 0
        for (let n = 0; n < 20; n += 1) {
          const stream = new PassThrough()
          const connection = { prefix, waitingBytes: 0, stream } as unknown as Connection
          while (turns.take(connection)) taken += 1
        }
        return taken
      })
    expect(takeAll()[0]).toBe(MESSAGES_PER_TURN.ofTenant)
    await new Promise((resolve) => setImmediate(resolve))
    expect(new Set(takeAll())).toEqual(new Set([MESSAGES_PER_TURN.atLeast]))
  })
})
