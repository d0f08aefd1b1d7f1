import { describe, expect, it } from 'vitest'
import { FairQueue, type Shares, type Turn, type TurnRequest } from '#lib/runtime/fair-queue.ts'
import { waitFor } from '../../../support/wait-for.ts'

const many = (n: number): Shares => ({ ofKey: n, ofTenant: n, all: n })

/** A queue with names that say whose turn it is: `a`, `a/second key`. */
function world(given: { running?: Shares; waiting?: Shares; giveWayAfterMs?: number | null } = {}) {
  const queue = new FairQueue({
    running: many(1),
    waiting: many(1000),
    refuse: (whose, limit) => new Error(`${whose} ${limit}`),
    ...given,
  })
  const served: string[] = []
  const turns: Turn[] = []
  const refused: string[] = []
  function enter(name: string, request?: TurnRequest): void {
    const [tenant = ''] = name.split('/')
    queue.enter({ tenant, key: name }, request).then(
      (turn) => {
        served.push(name)
        turns.push(turn)
      },
      (error: unknown) => refused.push(`${name}: ${String(error)}`),
    )
  }
  async function endOne(): Promise<void> {
    await waitFor(() => turns.length > 0)
    const n = served.length
    const waiting = queue.waiting
    turns.shift()?.leave()
    await waitFor(() => waiting === 0 || served.length > n)
  }
  return { queue, served, turns, refused, enter, endOne }
}

describe('a queue that is shared by tenant and key', () => {
  it('serves one request of a tenant second, however many another tenant has in it', async () => {
    const { enter, endOne, served } = world()
    for (let n = 0; n < 100; n += 1) enter('a')
    enter('b')
    await endOne()
    expect(served).toEqual(['a', 'b'])
    await endOne()
    expect(served).toEqual(['a', 'b', 'a'])
  })

  it('shares what a tenant gets among its keys', async () => {
    const { enter, endOne, served } = world()
    for (let n = 0; n < 10; n += 1) enter('a/1')
    for (let n = 0; n < 10; n += 1) enter('b/1')
    enter('a/2')
    for (let n = 0; n < 5; n += 1) await endOne()
    expect(served).toEqual(['a/1', 'b/1', 'a/2', 'b/1', 'a/1', 'b/1'])
  })

  it('does not let tenants that always come back alone keep one waiting', async () => {
    const { enter, endOne, served } = world()
    enter('b')
    for (let n = 0; n < 3; n += 1) enter('b')
    enter('a')
    enter('c')
    for (let n = 0; n < 9; n += 1) {
      await endOne()
      if (served.at(-1) !== 'b') enter(served.at(-1) ?? '')
    }
    expect(served.filter((name) => name === 'b').length).toBe(4)
  })

  it('runs no more of a key and of a tenant than their shares, and others beside', async () => {
    const { queue, enter, endOne, served } = world({ running: { ofKey: 1, ofTenant: 2, all: 9 } })
    for (const name of ['a/1', 'a/1', 'a/2', 'a/3', 'b/1']) enter(name)
    await waitFor(() => served.length === 3)
    expect([...served]).toEqual(['a/1', 'a/2', 'b/1'])
    expect(queue.waiting).toBe(2)
    await endOne()
    expect(served[3]).toBe('a/3')
  })

  it('refuses what exceeds the waiting of a key and of a tenant, and takes others', async () => {
    const { enter, refused, queue } = world({ waiting: { ofKey: 2, ofTenant: 3, all: 9 } })
    for (let n = 0; n < 4; n += 1) enter('a/1')
    for (let n = 0; n < 2; n += 1) enter('a/2')
    enter('b/1')
    await waitFor(() => refused.length === 2)
    expect(refused).toEqual(['a/1: Error: ofKey 2', 'a/2: Error: ofTenant 3'])
    expect(queue.waiting).toBe(4)
  })

  it('takes a place from the tenant with most of a full queue', async () => {
    const { enter, endOne, refused, served } = world({ waiting: many(3) })
    for (let n = 0; n < 4; n += 1) enter('a')
    enter('b')
    await waitFor(() => refused.length === 1)
    enter('a')
    await waitFor(() => refused.length === 2)
    expect(refused).toEqual(['a: Error: all 3', 'a: Error: all 3'])
    await endOne()
    expect(served).toEqual(['a', 'b'])
  })

  it('forgets whoever does not wait any more', async () => {
    const { enter, endOne, served, refused, queue } = world()
    enter('a')
    const gone = new AbortController()
    enter('b', { signal: gone.signal })
    enter('c')
    gone.abort('left')
    await waitFor(() => refused.length === 1)
    await endOne()
    expect(served).toEqual(['a', 'c'])
    expect(queue.waiting).toBe(0)
  })

  it('asks the last of a tenant that runs everything to give way, once', async () => {
    const { enter, turns, served } = world({ running: many(2), giveWayAfterMs: 0 })
    for (let n = 0; n < 3; n += 1) enter('a')
    enter('b')
    await waitFor(() => turns.some(({ giveWay }) => giveWay.aborted))
    expect(turns.map(({ giveWay }) => giveWay.aborted)).toEqual([false, true])
    turns.pop()?.leave()
    enter('a', { gaveWay: true })
    await waitFor(() => served.length === 3)
    expect(served).toEqual(['a', 'a', 'b'])
    expect(turns.map(({ giveWay }) => giveWay.aborted)).toEqual([false, false])
  })

  it('begins one that gave way where it does not take the last place from others', async () => {
    const { enter, endOne, served, queue } = world({ running: many(2), giveWayAfterMs: 0 })
    enter('a')
    enter('a', { gaveWay: true })
    await waitFor(() => served.length === 1)
    expect(queue.waiting).toBe(1)
    await endOne()
    expect(served).toEqual(['a', 'a'])
  })

  it('leaves alone what runs for several tenants', async () => {
    const { enter, turns, queue, endOne, served } = world({ running: many(2), giveWayAfterMs: 0 })
    enter('a')
    enter('b')
    enter('c')
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
    expect(turns.map(({ giveWay }) => giveWay.aborted)).toEqual([false, false])
    expect(queue.waiting).toBe(1)
    await endOne()
    expect(served).toEqual(['a', 'b', 'c'])
  })
})
