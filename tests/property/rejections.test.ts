import { join } from 'node:path'
import {
  assert,
  asyncProperty,
  array,
  constant,
  constantFrom,
  integer,
  nat,
  oneof,
  record,
  boolean,
  type Arbitrary,
} from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Device } from '#lib/registry/registry.ts'
import type { JournaledMessage } from '#lib/telemetry/message.ts'
import type { Reading } from '#lib/telemetry/reading.ts'
import type { PipelineDeps } from '../../ingest/pipeline/process-batch.ts'
import { judgeBatch } from '../../ingest/pipeline/process-batch.ts'
import { withoutRefused } from '../../ingest/pipeline/store-refusals.ts'
import { MAX_REJECTIONS } from '../../ingest/rejections/rejection-entries.ts'
import { RejectionLog } from '../../ingest/rejections/rejection-log.ts'
import { rejectedCandidates } from '../../ingest/rejections/replay-candidates.ts'
import { openIngestDb } from '../../ingest/state/ingest-db.ts'
import { loadSaved, loadState, saveSnapshot } from '../../ingest/state/snapshot.ts'
import { T0, journaled, truckOf } from '../support/messages.ts'
import { temporaryDir } from '../support/platform.ts'

/**
 * Nothing vanishes: whatever is sent, replayed, refused by the format, the registry or the store, and
 * read again after crashes, each element is either stored once or in exactly one open rejection, and
 * the counts add up.
 */

const DEVICE = 'acme.t1'
const DAY_MS = 86_400_000
const NOW_MS = Number(T0 / 1_000_000n)
const EVERYTHING = {
  scope: { tenants: null, devices: null, kinds: null },
  ids: null,
  reasons: null,
  positions: null,
}

type Sort = 'good' | 'bad' | 'old' | 'odd'

type Step =
  | { readonly do: 'send'; readonly elements: readonly Sort[]; readonly times: number }
  | { readonly do: 'register' | 'unregister' | 'keepLonger' | 'storeTakesAll' }
  | { readonly do: 'replay'; readonly at: number; readonly whole: boolean }
  | { readonly do: 'run'; readonly size: number }
  | { readonly do: 'save' | 'crash' }

/** `odd` is refused by the store, until it takes everything. */
const element = constantFrom<Sort>('good', 'good', 'bad', 'old', 'odd')
const steps = array(
  oneof(
    record({
      do: constant('send' as const),
      elements: array(element, { minLength: 1, maxLength: 6 }),
      // Some messages have more elements than may have an entry of their own.
      times: constantFrom(1, 1, 1, 60),
    }),
    record({ do: constantFrom('register', 'unregister', 'keepLonger', 'storeTakesAll') }),
    record({ do: constant('replay' as const), at: nat(), whole: boolean() }),
    record({ do: constant('run' as const), size: integer({ min: 1, max: 9 }) }),
    record({ do: constantFrom('save', 'crash') }),
  ),
  { maxLength: 40 },
) as Arbitrary<readonly Step[]>

interface Elements {
  readonly open: readonly number[]
  readonly stored: ReadonlySet<string>
  readonly payload: Uint8Array
}

class World {
  readonly #dir = temporaryDir('rejections')
  readonly #db = openIngestDb(join(this.#dir.path, 'ingest.db'))
  readonly #journal: JournaledMessage[] = []
  readonly #rows: Reading[] = []
  readonly #problems: string[] = []
  /** Like a store: rows of positions that it has been at are not taken again. */
  #storedUpTo = 0
  #state = loadState(this.#db, 64)
  #log = new RejectionLog(this.#db)
  #done = 0
  #device: Device | null = truckOf(DEVICE)
  #days = 90n
  #isStrict = true
  #seq = 0
  readonly #deps: PipelineDeps = {
    device: (id) => (id === DEVICE ? this.#device : null),
    known: async (identities) =>
      identities.map(({ hash, position, readingOrdinal }) => {
        const isBefore = (row: Reading) =>
          row.position < position ||
          (row.position === position && row.readingOrdinal < readingOrdinal)
        return this.#rows.some((row) => row.hash === hash && isBefore(row)) ? 'same' : 'unknown'
      }),
    statusBefore: (origin, at) => this.#log.statusBefore(origin, at),
    refusedBefore: (at) => this.#log.refusedBefore(at),
    coveredBy: (origin) => this.#log.coveredBy(origin),
  }

  async take(step: Step): Promise<void> {
    if (step.do === 'send') this.#send(step.elements, step.times)
    else if (step.do === 'register') this.#device = truckOf(DEVICE)
    else if (step.do === 'keepLonger') this.#days = 9000n
    else if (step.do === 'storeTakesAll') this.#isStrict = false
    else if (step.do === 'replay') this.#replay(step.at, step.whole)
    else if (step.do === 'run') await this.#run(step.size)
    else if (step.do === 'crash') this.#crash()
    else {
      await this.#run(Infinity)
      this.#save()
      // What was accepted is not judged again by a registry that knows less.
      if (step.do === 'unregister') this.#device = null
    }
  }

  /** What is wrong at the end. */
  async finish(): Promise<readonly string[]> {
    await this.#run(Infinity)
    this.#check()
    this.#db.close()
    this.#dir.remove()
    return this.#problems
  }

  #send(sorts: readonly Sort[], times: number): void {
    const all = Array.from({ length: times }, () => sorts).flat()
    const elements = all.map((sort) => {
      this.#seq += 1
      if (sort === 'bad') return this.#seq
      const age = sort === 'old' ? 200 * DAY_MS : 0
      const data = { speedKmh: sort === 'odd' ? 77 : 50 }
      return { v: 1, kind: 'truck', ts: NOW_MS - age + this.#seq, seq: this.#seq, data }
    })
    this.#journal.push(journaled(this.#journal.length + 1, elements))
  }

  #replay(at: number, whole: boolean): void {
    const { candidates } = rejectedCandidates(this.#db, EVERYTHING, null)
    const chosen = candidates[at % candidates.length]
    if (!chosen) return
    const { position, elementIndex } = chosen.origin
    const original = this.#journal[position - 1]
    if (!original) return
    const origin = { position, elementIndex: whole ? -1 : elementIndex }
    this.#journal.push({ ...original, position: this.#journal.length + 1, origin })
  }

  async #run(size: number): Promise<void> {
    while (this.#done < this.#journal.length) {
      const messages = this.#journal.slice(this.#done, this.#done + size)
      const judged = await judgeBatch(this.#state, messages, this.#deps, this.#options())
      const isNew = ({ position }: Reading) => position > this.#storedUpTo
      for (const one of judged.readings) if (!isNew(one)) this.#checkPlace(one)
      const isRefused = (one: Reading) => this.#isStrict && one.fields['speedKmh'] === 77
      const refused = judged.readings
        .filter((one) => isNew(one) && isRefused(one))
        .map(({ position, readingOrdinal }) => ({ position, readingOrdinal, reason: 'odd' }))
      const outcome = withoutRefused(judged, refused, {
        state: this.#state,
        messages,
        deps: this.#deps,
      })
      this.#rows.push(...outcome.readings.filter(isNew))
      this.#done += messages.length
      this.#storedUpTo = Math.max(this.#storedUpTo, this.#done)
      this.#log.record(outcome.rejected, outcome.recovered, outcome.refusedReplays)
      if (Number.isFinite(size)) return
    }
  }

  /** Read again, a reading has the same place. */
  #checkPlace({ position, readingOrdinal, hash }: Reading): void {
    const row = this.#rows.find(
      (one) => one.position === position && one.readingOrdinal === readingOrdinal,
    )
    if (row?.hash !== hash) this.#problems.push(`${position}.${readingOrdinal} has moved`)
  }

  #options() {
    const maxAgeNs = {
      fleet: this.#days * 86_400_000_000_000n,
      metering: 9000n * 86_400_000_000_000n,
    }
    return { timezone: 'UTC', lateNs: 60_000_000_000n, maxAgeNs, maxChannels: 64 }
  }

  #save(): void {
    const about = { journal: 'j', position: this.#done, parts: {}, stages: [] }
    saveSnapshot(this.#db, this.#state, about)
  }

  #crash(): void {
    this.#state = loadState(this.#db, 64)
    this.#log = new RejectionLog(this.#db)
    this.#done = loadSaved(this.#db).position
  }

  #check(): void {
    const sent = this.#journal.filter(({ origin }) => !origin)
    const stored = new Set(this.#rows.map((row) => this.#originOf(row)))
    const counts = { read: sent.length, stored: 0, rejected: 0, duplicate: 0, partial: 0 }
    for (const { position, payload } of sent) {
      const { open, device, rejected } = this.#log.statusBefore(position, Infinity)
      this.#checkElements(position, { open, stored, payload })
      if (device !== undefined && rejected) counts.rejected += 1
      else counts.stored += 1
      if (!rejected && open.length > 0) counts.partial += 1
    }
    if (this.#rows.length !== stored.size) this.#problems.push('an element is stored twice')
    const counted = this.#state.devices.get(DEVICE)?.counts
    for (const [name, value] of Object.entries(counts)) {
      const got = counted?.[name as keyof typeof counts] ?? 0
      if (got !== value) this.#problems.push(`${name}: expected ${value}, got ${got}`)
    }
    this.#checkEntries()
  }

  #checkElements(position: number, { open, stored, payload }: Elements): void {
    const isOpen = new Set(open)
    if (isOpen.size !== open.length) this.#problems.push(`${position} has an element open twice`)
    const { length } = JSON.parse(Buffer.from(payload).toString()) as unknown[]
    for (let index = 0; index < length; index += 1) {
      const isRejected = isOpen.has(index) || isOpen.has(-1)
      if (isRejected === stored.has(`${position}.${index}`)) {
        this.#problems.push(
          `${position}.${index} is ${isRejected ? 'rejected and stored' : 'lost'}`,
        )
      }
    }
  }

  #originOf({ position, elementIndex }: Reading): string {
    const origin = this.#journal[position - 1]?.origin
    return `${origin?.position ?? position}.${elementIndex}`
  }

  #checkEntries(): void {
    const rows = this.#db
      .prepare(
        'SELECT position, count(*) AS n FROM rejections WHERE recovered_ns IS NULL GROUP BY 1',
      )
      .all()
    if (rows.some(({ n }) => Number(n) > MAX_REJECTIONS)) this.#problems.push('too many entries')
  }
}

describe('messages and their elements', () => {
  it('are stored or rejected, each element once, whatever is replayed, refused and read again', async () => {
    await assert(
      asyncProperty(steps, async (given) => {
        const world = new World()
        for (const step of given) await world.take(step)
        expect(await world.finish()).toEqual([])
      }),
      { numRuns: 200 },
    )
  }, 60_000)
})
