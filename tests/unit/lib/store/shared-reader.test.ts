import { describe, expect, it } from 'vitest'
import type { PercentilesScan } from '#lib/store/scans.ts'
import { shareReader } from '#lib/store/shared-reader.ts'
import type { ReadableStore } from '#lib/store/store.ts'
import { ALL } from '#lib/telemetry/scope.ts'

const scanOf = (fromNs: bigint, toNs = 100n): PercentilesScan => ({
  scope: ALL,
  by: [],
  everyNs: null,
  stages: ['age'],
  percentiles: [50],
  fromNs,
  toNs,
})

/** A store whose results the test gives, and a clock that the test turns. */
function world(atOnce = 1) {
  const scans: { fromNs: bigint; signal: AbortSignal; give(rows: readonly unknown[]): void }[] = []
  // The wall clock is far ahead of the end of most scans.
  const EPOCH_NS = 1_000_000_000_000n
  let nowNs = 0n
  const latencyBuckets = ({ fromNs }: PercentilesScan, signal: AbortSignal) => {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>()
    signal.addEventListener('abort', () => reject(signal.reason))
    scans.push({ fromNs, signal, give: resolve })
    return promise
  }
  const store = { reader: { latencyBuckets }, exact: null } as unknown as ReadableStore
  const { reader } = shareReader(store, {
    clock: { monoNs: () => nowNs, nowNs: () => EPOCH_NS + nowNs },
    atOnce,
  })
  return {
    scans,
    turn: (ns: bigint) => (nowNs += ns),
    run: (fromNs: bigint, signal?: AbortSignal) => reader.latencyBuckets(scanOf(fromNs), signal),
    runUpTo: (agoNs: bigint) => reader.latencyBuckets(scanOf(1n, EPOCH_NS + nowNs - agoNs)),
  }
}

describe('the same scan of many callers', () => {
  it('runs once while the store is busy, for all of them', async () => {
    const { run, scans } = world()
    const both = [run(1n), run(1n)]
    expect(scans).toHaveLength(1)
    scans[0]?.give(['a'])
    expect(await Promise.all(both)).toEqual([['a'], ['a']])
  })

  it('runs for each while the store is free: everybody gets the newest', async () => {
    const { run, scans } = world(3)
    const both = [run(1n), run(1n)]
    expect(scans).toHaveLength(2)
    scans[0]?.give(['old'])
    scans[1]?.give(['new'])
    expect(await Promise.all(both)).toEqual([['old'], ['new']])
    const third = run(1n)
    scans[2]?.give(['newest'])
    expect(await third).toEqual(['newest'])
  })

  it('is served from memory for a second while another one keeps the store busy', async () => {
    const { run, scans, turn } = world()
    const first = run(1n)
    scans[0]?.give(['a'])
    await first
    const other = run(2n)
    turn(999_000_000n)
    expect(await run(1n)).toEqual(['a'])
    turn(2_000_000n)
    const again = run(1n)
    expect(scans.map(({ fromNs }) => fromNs)).toEqual([1n, 2n, 1n])
    scans[1]?.give([])
    scans[2]?.give(['b'])
    expect(await again).toEqual(['b'])
    await other
  })

  it('is the same up to now, whichever nanosecond that is, and never of a later end', async () => {
    const { run, runUpTo, scans, turn } = world()
    const first = runUpTo(0n)
    turn(10_000_000n)
    const second = runUpTo(0n)
    expect(scans).toHaveLength(1)
    scans[0]?.give(['a'])
    expect(await Promise.all([first, second])).toEqual([['a'], ['a']])
    const busy = run(2n)
    turn(500_000_000n)
    expect(await runUpTo(0n)).toEqual(['a'])
    // Before the end of what is known: its rows must not be counted here.
    const earlier = runUpTo(600_000_000n)
    expect(scans).toHaveLength(3)
    // What ended longer ago runs as it is.
    void runUpTo(2_000_000_000n)
    expect(scans).toHaveLength(4)
    for (const [at, one] of scans.entries()) one.give([at])
    expect(await Promise.all([busy, earlier])).toEqual([[1], [2]])
  })

  it('runs again where the one under way ends a second before, or the span is yet to come', async () => {
    const { runUpTo, scans, turn } = world()
    const first = runUpTo(0n)
    turn(999_000_000n)
    const joined = runUpTo(0n)
    expect(scans).toHaveLength(1)
    turn(2_000_000n)
    const second = runUpTo(0n)
    expect(scans).toHaveLength(2)
    // The first was long under way: what it brings is old when it comes.
    scans[0]?.give(['old'])
    expect(await Promise.all([first, joined])).toEqual([['old'], ['old']])
    turn(10_000_000n)
    const third = runUpTo(0n)
    expect(scans).toHaveLength(2)
    const toCome = runUpTo(-3_600_000_000_000n)
    expect(scans).toHaveLength(3)
    scans[1]?.give(['new'])
    scans[2]?.give(['to come'])
    expect(await Promise.all([second, third, toCome])).toEqual([['new'], ['new'], ['to come']])
  })

  it('continues for the others when one cancels, and ends with the last', async () => {
    const { run, scans } = world()
    const [one, two] = [new AbortController(), new AbortController()]
    const waiting = [run(1n, one.signal), run(1n, two.signal)]
    one.abort(new Error('gone'))
    await expect(waiting[0]).rejects.toThrow('gone')
    expect(scans[0]?.signal.aborted).toBe(false)
    two.abort(new Error('gone too'))
    await expect(waiting[1]).rejects.toThrow('gone too')
    expect(scans[0]?.signal.aborted).toBe(true)
  })

  it('fails for all who wait, and runs again for the next', async () => {
    const { run, scans } = world()
    const both = [run(1n), run(1n)]
    scans[0]?.signal.dispatchEvent(new Event('abort'))
    await Promise.all(both.map((one) => expect(one).rejects.toBeUndefined()))
    void run(1n)
    expect(scans).toHaveLength(2)
  })
})
