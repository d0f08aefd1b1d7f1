import { setImmediate as turn } from 'node:timers/promises'
import { createRandom, type Random } from '#lib/runtime/random.ts'
import type { IncomingMessage, JournaledMessage } from '#lib/telemetry/message.ts'
import type { Journal } from '../../../../ingest/journal/journal.ts'
import type { JournalFault } from '../../../../ingest/journal/run-journal.ts'
import type { RecoveryReport } from '../../../../ingest/journal/open-journal.ts'
import { messageOf, openSmall, readAll, recordOf } from './journal-fixture.ts'
import { createSimulatedDisk, type SimulatedDisk } from './simulated-disk.ts'

const DIR = '/data/journal'
const TOPICS = ['padborg/v1/acme/t1/telemetry', 'uagv/v2/KIT/Ærø-1/state', 'wmbusmeters/måler/水']

export interface RoundOptions {
  readonly seed: number
  readonly fault: JournalFault
  /** A real folder of its own: the reader needs real files. */
  readonly realDir: string
}

/** What the checker knows: a message by its position, and what must be there. */
interface Truth {
  /** Everything that was ever appended, by its receive time, which is unique. */
  readonly sent: Map<bigint, IncomingMessage>
  /** Acknowledged, or shown by a recovery: may never be missing or different again. */
  readonly promised: Map<number, bigint>
  /** The store has taken everything up to here. */
  released: number
}

interface Round {
  readonly disk: SimulatedDisk
  readonly random: Random
  readonly truth: Truth
  readonly options: RoundOptions
  readonly violations: string[]
}

/**
 * Several lives of a journal on a disk that forgets. Each life recovers, is compared with what was
 * promised, appends random groups and ends at a random step: killed, or with the power gone, often
 * in the middle of the recovery. Answers every promise that was broken.
 */
export async function runRound(options: RoundOptions): Promise<readonly string[]> {
  const random = createRandom(options.seed)
  const errorShare = random.pick([0, 0, 0.02, 0.1])
  const disk = createSimulatedDisk({
    random,
    fault: ({ what }) => (what !== 'makeDir' && random.next() < errorShare ? 'EIO' : ''),
  })
  const truth: Truth = { sent: new Map(), promised: new Map(), released: 0 }
  const round: Round = { disk, random, truth, options, violations: [] }
  const lives = random.integer(2, 6)
  for (let life = 0; life < lives; life += 1) {
    disk.crashAfter(life === lives - 1 ? Infinity : random.integer(1, random.pick([60, 400])))
    await live(round)
    if (random.next() < 0.3) disk.kill()
    else disk.losePower()
  }
  return round.violations
}

async function live(round: Round): Promise<void> {
  const { disk, random, truth, options } = round
  const opened = await untilCrash(disk, openPatiently(round))
  if (!opened) return
  const { journal, report } = opened
  check(round, { journal, report, realDir: options.realDir })
  const before = new Set(disk.files(DIR).keys())
  const operationsBefore = disk.operations.length
  await appendUntil(round, journal, disk.crashed, random.integer(0, 60))
  checkOldSegments(round, before, operationsBefore)
  if (random.next() < 0.2) await untilCrash(disk, journal.close())
  truth.released = Math.max(truth.released, releaseOf(round, journal))
}

/** A recovery that meets a failing disk says so; the operator starts again. */
async function openPatiently(round: Round) {
  for (;;) {
    try {
      return await openSmall(round.disk.layer, DIR, {
        fault: round.options.fault,
        since: round.truth.released,
        keepBytes: 8192,
        segmentBytes: 2048,
        // A timer would make the history depend on the real time, and a seed could not repeat it.
        backoffMs: 0,
      })
    } catch (error) {
      if (!String(error).includes('EIO')) throw error
    }
  }
}

async function appendUntil(
  round: Round,
  journal: Journal,
  crashed: Promise<void>,
  turns: number,
): Promise<void> {
  const { random, truth } = round
  let over = false
  void crashed.then(() => (over = true))
  let lastAcked = 0
  for (let left = turns; left > 0 && !over; left -= 1) {
    for (let count = random.integer(0, 5); count > 0; count -= 1) {
      const message = randomMessage(random, truth.sent.size + 1)
      truth.sent.set(message.receivedAtNs, message)
      journal.append(message, (error, position) => {
        if (error) return
        if (position <= lastAcked) round.violations.push(`acknowledged ${position} out of order`)
        lastAcked = position
        promise(round, position, message)
      })
    }
    if (random.next() < 0.1) journal.release((truth.released = releaseOf(round, journal)))
    await turn()
  }
}

function randomMessage(random: Random, number: number): IncomingMessage {
  const filler = 'x'.repeat(random.integer(0, random.pick([40, 400, 3000])))
  return messageOf(number, {
    topic: random.pick(TOPICS),
    payload: Buffer.from(`${number};${filler}`),
    dup: random.next() < 0.5,
    origin: random.next() < 0.1 ? { position: number, elementIndex: random.integer(-1, 5) } : null,
  })
}

function releaseOf({ random, truth }: Round, journal: Journal): number {
  return Math.max(truth.released, random.integer(0, journal.durable.position))
}

function promise({ truth, violations }: Round, position: number, message: IncomingMessage): void {
  const known = truth.promised.get(position)
  if (known !== undefined && known !== message.receivedAtNs) {
    violations.push(`position ${position} was used for two messages`)
  }
  truth.promised.set(position, message.receivedAtNs)
}

/** Compares what can be read with everything that was promised in the lives before. */
function check(
  round: Round,
  now: { readonly journal: Journal; readonly report: RecoveryReport; readonly realDir: string },
): void {
  const { disk, truth, violations } = round
  const { journal, report, realDir } = now
  disk.copyTo(DIR, realDir)
  const source = { dir: realDir, id: journal.id }
  const read = readAll(source, journal.durable, { after: truth.released })
  for (const { what, segment, offset } of report.corruptions) {
    violations.push(`reported as corrupt: segment ${segment}, offset ${offset}: ${what}`)
  }
  const first = read[0]?.position ?? report.lastPosition + 1
  if (read.length > 0 && first !== truth.released + 1) {
    violations.push(`read from ${first} on, expected from ${truth.released + 1} on`)
  }
  if (report.records !== read.length) violations.push('the report counts other records')
  checkRecords(round, read)
  const last = Math.max(truth.released, read.at(-1)?.position ?? 0)
  if (report.lastPosition !== last) {
    violations.push(`last position ${report.lastPosition}, but ${last} can be read`)
  }
  for (const position of truth.promised.keys()) {
    if (position > last) violations.push(`promised ${position}, but the journal ends at ${last}`)
  }
}

function checkRecords(round: Round, read: readonly JournaledMessage[]): void {
  const { truth, violations } = round
  let lastNs = 0n
  for (const [index, message] of read.entries()) {
    const { position, receivedAtNs } = message
    const sent = truth.sent.get(receivedAtNs)
    const isExact =
      sent && JSON.stringify(plain(sent, position)) === JSON.stringify(plain(message, position))
    if (!isExact) violations.push(`position ${position} holds what was never sent`)
    if (index > 0 && position !== (read[index - 1]?.position ?? 0) + 1) {
      violations.push(`position ${position} does not follow the one before`)
    }
    if (receivedAtNs <= lastNs) violations.push(`position ${position} is out of order or doubled`)
    lastNs = receivedAtNs
    promise(round, position, message)
  }
}

function plain(message: IncomingMessage, position: number) {
  const record = recordOf(message, position)
  const { device, topic, payload, qos, retain, dup, will, origin } = record
  const ns = [message.receivedAtNs, message.receivedMonoNs].map(String)
  return { device, topic, payload, qos, retain, dup, will, origin, ns, position }
}

function checkOldSegments(round: Round, before: ReadonlySet<string>, from: number): void {
  for (const { what, path } of round.disk.operations.slice(from)) {
    const name = path.slice(DIR.length + 1)
    if (what === 'write' && name.endsWith('.seg') && before.has(name)) {
      round.violations.push(`${name} of an earlier process was written to`)
    }
  }
}

async function untilCrash<T>(disk: SimulatedDisk, work: Promise<T>): Promise<T | null> {
  return await Promise.race([work, disk.crashed.then(() => null)])
}
