import { describe, expect, it } from 'vitest'
import type { BucketsScan } from '#lib/store/scans.ts'
import { shareReader } from '#lib/store/shared-reader.ts'
import type { ReadableStore } from '#lib/store/store.ts'
import { ALL } from '#lib/telemetry/scope.ts'

const scanOf = (fromNs: bigint, toNs = 100n): BucketsScan => ({
  scope: ALL,
  by: [],
  everyNs: null,
  stages: ['age'],
  percentiles: [50],
  fromNs,
  toNs,
})

/** A store whose answers the test gives, and a clock that the test turns. */
function world(atOnce = 1) {
  const asked: { fromNs: bigint; signal: AbortSignal; answer(rows: readonly unknown[]): void }[] =
    []
  // The wall clock is far ahead of the end that most questions have.
  const EPOCH_NS = 1_000_000_000_000n
  let nowNs = 0n
  const latencyBuckets = ({ fromNs }: BucketsScan, signal: AbortSignal) => {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    signal.addEventListener('abort', () => reject(signal.reason))
    asked.push({ fromNs, signal, answer: resolve })
    return promise
  }
  const store = { reader: { latencyBuckets }, exact: null } as unknown as ReadableStore
  const { reader } = shareReader(store, {
    clock: { monoNs: () => nowNs, nowNs: () => EPOCH_NS + nowNs },
    atOnce,
  })
  return {
    asked,
    turn: (ns: bigint) => (nowNs += ns),
    ask: (fromNs: bigint, signal?: AbortSignal) => reader.latencyBuckets(scanOf(fromNs), signal),
    askUpTo: (agoNs: bigint) => reader.latencyBuckets(scanOf(1n, EPOCH_NS + nowNs - agoNs)),
  }
}

describe('the same question of many', () => {
  it('is asked once while the store has no hand free, and answered to all', async () => {
    const { ask, asked } = world()
    const both = [ask(1n), ask(1n)]
    expect(asked).toHaveLength(1)
    asked[0]?.answer(['a'])
    expect(await Promise.all(both)).toEqual([['a'], ['a']])
  })

  it('is asked for each while the store is free: everybody gets the newest', async () => {
    const { ask, asked } = world(3)
    const both = [ask(1n), ask(1n)]
    expect(asked).toHaveLength(2)
    asked[0]?.answer(['old'])
    asked[1]?.answer(['new'])
    expect(await Promise.all(both)).toEqual([['old'], ['new']])
    const third = ask(1n)
    asked[2]?.answer(['newest'])
    expect(await third).toEqual(['newest'])
  })

  it('is answered from memory for a second while another one keeps the store busy', async () => {
    const { ask, asked, turn } = world()
    const first = ask(1n)
    asked[0]?.answer(['a'])
    await first
    const other = ask(2n)
    turn(999_000_000n)
    expect(await ask(1n)).toEqual(['a'])
    turn(2_000_000n)
    const anew = ask(1n)
    expect(asked.map(({ fromNs }) => fromNs)).toEqual([1n, 2n, 1n])
    asked[1]?.answer([])
    asked[2]?.answer(['b'])
    expect(await anew).toEqual(['b'])
    await other
  })

  it('is the same up to now, whichever nanosecond that is, and never of a later end', async () => {
    const { ask, askUpTo, asked, turn } = world()
    const first = askUpTo(0n)
    turn(10_000_000n)
    const second = askUpTo(0n)
    expect(asked).toHaveLength(1)
    asked[0]?.answer(['a'])
    expect(await Promise.all([first, second])).toEqual([['a'], ['a']])
    const busy = ask(2n)
    turn(500_000_000n)
    expect(await askUpTo(0n)).toEqual(['a'])
    // Before the end of what is known: its rows must not be counted here.
    const earlier = askUpTo(600_000_000n)
    expect(asked).toHaveLength(3)
    // What ended longer ago is asked as it is.
    void askUpTo(2_000_000_000n)
    expect(asked).toHaveLength(4)
    for (const [at, one] of asked.entries()) one.answer([at])
    expect(await Promise.all([busy, earlier])).toEqual([[1], [2]])
  })

  it('is asked anew where the one under way ends a second before, or what is asked is to come', async () => {
    const { askUpTo, asked, turn } = world()
    const first = askUpTo(0n)
    turn(999_000_000n)
    const joined = askUpTo(0n)
    expect(asked).toHaveLength(1)
    turn(2_000_000n)
    const second = askUpTo(0n)
    expect(asked).toHaveLength(2)
    // The first was long under way: what it brings is old when it comes.
    asked[0]?.answer(['old'])
    expect(await Promise.all([first, joined])).toEqual([['old'], ['old']])
    turn(10_000_000n)
    const third = askUpTo(0n)
    expect(asked).toHaveLength(2)
    const toCome = askUpTo(-3_600_000_000_000n)
    expect(asked).toHaveLength(3)
    asked[1]?.answer(['new'])
    asked[2]?.answer(['to come'])
    expect(await Promise.all([second, third, toCome])).toEqual([['new'], ['new'], ['to come']])
  })

  it('goes on for the others when one gives up, and ends with the last', async () => {
    const { ask, asked } = world()
    const [one, two] = [new AbortController(), new AbortController()]
    const waiting = [ask(1n, one.signal), ask(1n, two.signal)]
    one.abort(new Error('gone'))
    await expect(waiting[0]).rejects.toThrow('gone')
    expect(asked[0]?.signal.aborted).toBe(false)
    two.abort(new Error('gone too'))
    await expect(waiting[1]).rejects.toThrow('gone too')
    expect(asked[0]?.signal.aborted).toBe(true)
  })

  it('fails for all who wait, and is asked again by the next', async () => {
    const { ask, asked } = world()
    const both = [ask(1n), ask(1n)]
    asked[0]?.signal.dispatchEvent(new Event('abort'))
    await Promise.all(both.map((one) => expect(one).rejects.toBeUndefined()))
    void ask(1n)
    expect(asked).toHaveLength(2)
  })
})
