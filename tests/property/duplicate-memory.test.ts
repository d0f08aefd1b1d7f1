import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { ParsedElement } from '../../ingest/formats/format.ts'
import {
  createChannelMemory,
  decodeMemory,
  encodeMemory,
  beginBatch,
  judgeTimed,
  judgeUntimed,
  needsLookup,
  type ChannelMemory,
  type Verdict,
} from '../../ingest/state/duplicate-memory.ts'
import { propertyRuns } from '../support/random-runs.ts'

/**
 * The memory of duplicates keeps identities in rings of typed arrays. Here it is compared with one
 * that keeps them in plain lists and knows nothing of rings but their size.
 */
const RING_SIZE = 128
const UNTIMED_WINDOW_NS = 600_000_000_000n

interface Arrival {
  readonly seq: number | null
  readonly timeNs: bigint | null
  readonly hash: bigint
  readonly dup: boolean
  readonly endsBatch: boolean
}

interface Identity {
  readonly timeNs: bigint
  readonly seq: number | null
  readonly hash: bigint
}

class PlainMemory {
  onTime: Identity[] = []
  late: Identity[] = []
  justForgotten: Identity[] = []
  maxTimeNs = 0n
  forgottenNs = 0n

  needsLookup(identity: Identity): boolean {
    const { timeNs } = identity
    if (timeNs > this.maxTimeNs || timeNs > this.forgottenNs) return false
    return ![...this.onTime, ...this.late].some((one) => isSame(one, identity))
  }

  judge(identity: Identity): Verdict {
    if (identity.timeNs > this.maxTimeNs) {
      this.maxTimeNs = identity.timeNs
      this.#keep('onTime', identity)
      return 'new'
    }
    const known = [...this.onTime, ...this.late, ...this.justForgotten]
    if (known.some((one) => isSame(one, identity))) return 'duplicate'
    const moment = known.filter(({ timeNs }) => timeNs === identity.timeNs)
    this.#keep('late', identity)
    if (moment.length === 0) return 'new'
    const hasNumber = identity.seq !== null && moment.some(({ seq }) => seq === identity.seq)
    return hasNumber ? 'other_content' : 'same_time'
  }

  judgeUntimed(identity: Identity, dup: boolean): Verdict {
    const recent = this.onTime.filter(({ timeNs }) => timeNs >= identity.timeNs - UNTIMED_WINDOW_NS)
    const isKnown = recent.some(({ seq, hash }) => seq === identity.seq && hash === identity.hash)
    if (dup && isKnown) return 'duplicate'
    this.onTime = [...this.onTime, identity].slice(-RING_SIZE)
    return 'new'
  }

  #keep(list: 'onTime' | 'late', identity: Identity): void {
    const all = [...this[list], identity]
    this[list] = all.slice(-RING_SIZE)
    for (const out of all.slice(0, -RING_SIZE)) {
      this.justForgotten.push(out)
      if (out.timeNs > this.forgottenNs) this.forgottenNs = out.timeNs
    }
  }
}

function isSame(a: Identity, b: Identity): boolean {
  return a.timeNs === b.timeNs && a.seq === b.seq && a.hash === b.hash
}

/** Few times, numbers and contents, so that they meet; mostly rising, as a device sends them. */
const arrivals = fc
  .array(
    fc.record({
      seq: fc.option(fc.integer({ min: 0, max: 40 }), { freq: 8 }),
      back: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 300 })),
      hash: fc.bigInt({ min: 1n, max: 6n }),
      isUntimed: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
      dup: fc.boolean(),
      endsBatch: fc.integer({ min: 0, max: 30 }).map((n) => n === 0),
    }),
    { minLength: 300, maxLength: 900 },
  )
  .map((list) =>
    list.map(({ seq, back, hash, isUntimed, dup, endsBatch }, at): Arrival => {
      const timeNs = isUntimed ? null : BigInt(Math.max(1, 1000 + at - back))
      return { seq, timeNs, hash, dup, endsBatch }
    }),
  )

function elementOf({ seq, timeNs, hash }: Arrival): ParsedElement {
  const rest = { elementIndex: -1, kind: 'truck', flags: 0, fields: {}, radio: null } as const
  return { ...rest, seq, timeNs, hash }
}

function receivedNs(at: number): bigint {
  return BigInt(2000 + at)
}

/** What is decided of an arrival: whether the store must be queried, and the verdict. */
type Decision = readonly [boolean, Verdict]

function byRings(memory: ChannelMemory, arrival: Arrival, at: number): Decision {
  const element = elementOf(arrival)
  const { timeNs, dup } = arrival
  if (timeNs === null) {
    return [false, judgeUntimed(memory, element, { atNs: receivedNs(at), dup })]
  }
  const isQueried = needsLookup(memory, element, timeNs)
  return [isQueried, judgeTimed(memory, element, timeNs, undefined)]
}

function byLists(plain: PlainMemory, { seq, hash, timeNs, dup }: Arrival, at: number): Decision {
  if (timeNs === null) {
    return [false, plain.judgeUntimed({ seq, hash, timeNs: receivedNs(at) }, dup)]
  }
  const identity = { seq, hash, timeNs }
  return [plain.needsLookup(identity), plain.judge(identity)]
}

describe('the memory of duplicates', () => {
  it('judges as one that keeps identities in plain lists, also after a restart', () => {
    fc.assert(
      fc.property(arrivals, fc.integer({ min: 0, max: 299 }), (list, restartAt) => {
        let memory = createChannelMemory()
        const plain = new PlainMemory()
        let batch = 1
        for (const [at, arrival] of list.entries()) {
          beginBatch(memory, batch)
          expect(byRings(memory, arrival, at)).toEqual(byLists(plain, arrival, at))
          if (arrival.endsBatch || at === restartAt) {
            batch += 1
            plain.justForgotten = []
          }
          // A snapshot is of a moment between two batches.
          if (at === restartAt) memory = decodeMemory(encodeMemory(memory))
        }
      }),
      propertyRuns(60),
    )
  })
})
