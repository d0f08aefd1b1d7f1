import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Device } from '#lib/registry/registry.ts'
import { createRandom } from '#lib/runtime/random.ts'
import type { Known } from '#lib/store/store.ts'
import { FLAGS, flagNames } from '#lib/telemetry/flags.ts'
import type { JournaledMessage } from '#lib/telemetry/message.ts'
import type { Reading } from '#lib/telemetry/reading.ts'
import { FORMAT_NAMES, formatNamed } from '../../ingest/formats/catalogue.ts'
import { openIngestDb } from '../../ingest/state/ingest-db.ts'
import { loadSaved, loadState, saveSnapshot } from '../../ingest/state/snapshot.ts'
import { judgeBatch, type PipelineDeps } from '../../ingest/pipeline/process-batch.ts'
import { RejectionLog } from '../../ingest/rejections/rejection-log.ts'
import { casesOf, isBad } from '../support/format-cases.ts'
import { T0, truckOf } from '../support/messages.ts'
import { temporaryDir } from '../support/platform.ts'

/**
 * The good cases of each format as the traffic of a fleet: in any order, repeated, in batches of
 * any size, and with crashes that go back to an earlier snapshot, the store holds the same in the
 * end.
 *
 * Left out of the comparison beside the receive time and `late`: which of two different readings of
 * one moment wears `duplicate_time` (how many do is compared), and `sequence_reused`, since both
 * tell what had come before. A message whose times count from its arrival (SenML, "now minus 5 s")
 * is another message when it comes later: such cases are no material here.
 */
const RUNS = 12
const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000)
const SECOND_NS = 1_000_000_000n
const OPTIONS = {
  timezone: 'Europe/Copenhagen',
  lateNs: 60n * SECOND_NS,
  maxAgeNs: { fleet: 1n << 62n, metering: 1n << 62n },
  maxChannels: 64,
}
const UNCOMPARED = FLAGS.late | FLAGS.duplicate_time | FLAGS.sequence_reused

interface Material {
  readonly device: Device
  readonly topic: string
  readonly payload: Uint8Array
}

/** Cases of the same kind, channel and settings are messages of one device. */
function materialOf(format: string): readonly Material[] {
  const devices = new Map<string, Device>()
  return casesOf(format).flatMap((given) => {
    if (isBad(given)) return []
    const { device: kind, channel = 'telemetry', settings = {} } = given.expected
    const key = JSON.stringify([kind, settings])
    const id = `acme.d${devices.size}`
    const device = devices.get(key) ?? { ...truckOf(id), kind, settings, format }
    devices.set(key, device)
    const topic = channel.includes('/')
      ? channel
      : `padborg/v1/acme/${device.id.slice('acme.'.length)}/${channel}`
    const one = { device, topic, payload: given.payload }
    return isAnchored(one) ? [one] : []
  })
}

/** Whether its times are its own, whenever it comes. */
function isAnchored(one: Material): boolean {
  const timesAt = (at: number) => {
    const { device, topic } = one
    const message = messageOf(one, at, false)
    const prefix = `padborg/v1/${device.id.replace('.', '/')}/`
    const channel = topic.startsWith(prefix) ? topic.slice(prefix.length) : topic
    const output = formatNamed(device.format)?.parse({
      device,
      message,
      channel,
      timezone: OPTIONS.timezone,
    })
    return output?.elements.map(({ timeNs }) => String(timeNs)).join()
  }
  return timesAt(1) === timesAt(100)
}

function messageOf({ device, topic, payload }: Material, position: number, dup: boolean) {
  return {
    position,
    device: device.id,
    topic,
    payload,
    qos: 1,
    retain: false,
    dup,
    will: false,
    receivedAtNs: T0 + BigInt(position) * SECOND_NS,
    receivedMonoNs: BigInt(position),
    origin: null,
  } satisfies JournaledMessage
}

interface Random {
  next(): number
}

/** Each message once or more, in any order; what comes again carries DUP, as MQTT has it. */
function arrivals(material: readonly Material[], random: Random): readonly JournaledMessage[] {
  const copies = material.flatMap((one) =>
    Array.from({ length: 1 + Math.floor(random.next() * 3) }, () => one),
  )
  for (let at = copies.length - 1; at > 0; at -= 1) {
    const other = Math.floor(random.next() * (at + 1))
    const [a, b] = [copies[at], copies[other]]
    if (a && b) [copies[at], copies[other]] = [b, a]
  }
  const seen = new Set<Material>()
  return copies.map((one, at) => {
    const message = messageOf(one, at + 1, seen.has(one))
    seen.add(one)
    return message
  })
}

/** Takes the messages to a store as the writer does; `random` decides on batches and crashes. */
async function storeAll(
  messages: readonly JournaledMessage[],
  devices: ReadonlyMap<string, Device>,
  random: Random | null,
) {
  const dir = temporaryDir('formats-order')
  const db = openIngestDb(join(dir.path, 'ingest.db'))
  const rows: Reading[] = []
  let storedUpTo = 0
  let state = loadState(db, 64)
  let book = new RejectionLog(db)
  let at = 0
  const deps: PipelineDeps = {
    device: (id) => devices.get(id) ?? null,
    known: async (identities) =>
      identities.map((one): Known => {
        const same = rows.filter(
          (row) =>
            row.device === one.device &&
            row.channel === one.channel &&
            row.seq === one.seq &&
            row.timeNs === one.timeNs,
        )
        if (same.some(({ hash }) => hash === one.hash)) return 'same'
        return same.length > 0 && one.seq !== null ? 'other_content' : 'unknown'
      }),
    statusBefore: (origin, position) => book.statusBefore(origin, position),
    refusedBefore: (position) => book.refusedBefore(position),
  }
  while (at < messages.length) {
    const size = random ? 1 + Math.floor(random.next() * 7) : messages.length
    const batch = messages.slice(at, at + size)
    const outcome = await judgeBatch(state, batch, deps, OPTIONS)
    at += batch.length
    rows.push(...outcome.readings.filter(({ position }) => position > storedUpTo))
    storedUpTo = Math.max(storedUpTo, at)
    book.record(outcome.rejected, outcome.recovered, outcome.refusedReplays)
    const fate = random?.next() ?? 1
    if (fate < 0.3) saveSnapshot(db, state, { journal: 'j', position: at, parts: {}, stages: [] })
    else if (fate < 0.5) {
      state = loadState(db, 64)
      book = new RejectionLog(db)
      at = loadSaved(db).position
    }
  }
  db.close()
  dir.remove()
  return { rows, state }
}

function contentOf(rows: readonly Reading[]): readonly string[] {
  return rows.map((row) => {
    const { device, channel, kind, seq, hash, fields, radio, flags, claimedTimeNs } = row
    // Without a usable time of its own a reading stands where it was received.
    const isOwn = row.timeNs !== row.receivedAtNs
    const time = isOwn ? row.timeNs : `received, claimed ${claimedTimeNs}`
    const told = flagNames(flags & ~UNCOMPARED)
    return JSON.stringify([device, channel, kind, seq, time, hash, told, fields, radio], (_, one) =>
      typeof one === 'bigint' ? `${one}n` : one,
    )
  })
}

function flaggedMoments(rows: readonly Reading[]): Readonly<Record<string, number>> {
  const moments: Record<string, number> = {}
  for (const { device, channel, timeNs, flags } of rows) {
    if ((flags & FLAGS.duplicate_time) === 0) continue
    const moment = `${device} ${channel} ${timeNs}`
    moments[moment] = (moments[moment] ?? 0) + 1
  }
  return moments
}

describe('order, repetition and restarts change nothing in the store', () => {
  it.each(FORMAT_NAMES)(`%s (SEED=${SEED})`, async (format) => {
    const material = materialOf(format)
    expect(material.length).toBeGreaterThanOrEqual(6)
    const devices = new Map(material.map(({ device }) => [device.id, device]))
    const inOrder = material.map((one, at) => messageOf(one, at + 1, false))
    const once = await storeAll(inOrder, devices, null)
    expect(once.rows.length).toBeGreaterThan(0)
    const random = createRandom(SEED)
    for (let run = 0; run < RUNS; run += 1) {
      const messages = arrivals(material, random)
      const { rows, state } = await storeAll(messages, devices, random)
      expect(contentOf(rows).toSorted()).toEqual(contentOf(once.rows).toSorted())
      expect(flaggedMoments(rows)).toEqual(flaggedMoments(once.rows))
      for (const [id, { counts }] of state.devices) {
        const sent = messages.filter(({ device }) => device === id).length
        expect(counts.read).toBe(sent)
        expect(counts.stored + counts.rejected + counts.duplicate).toBe(sent)
      }
    }
  })
})
