import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Device } from '#lib/registry/registry.ts'
import type { ClientCertificate } from '#lib/telemetry/intake.ts'
import type { JournaledMessage } from '#lib/telemetry/message.ts'
import type { ReadingRow } from '#lib/telemetry/reading.ts'
import type { ReadingsScan } from '#lib/store/scans.ts'
import type { ReadReadings } from '#lib/queries/intake-state.ts'
import { createConformance } from '../../../../ingest/conformance/conformance.ts'
import { openIngestDb } from '../../../../ingest/state/ingest-db.ts'
import { loadState, saveSnapshot } from '../../../../ingest/state/snapshot.ts'
import { judgeBatch } from '../../../../ingest/pipeline/process-batch.ts'
import { RejectionLog } from '../../../../ingest/rejections/rejection-log.ts'
import {
  noteCertificate,
  showCounts,
  type IntakeState,
} from '../../../../ingest/state/intake-state.ts'
import { CASE_FORMATS, casesOf } from '../../../support/format-cases.ts'
import { journaled, T0, truckOf, truckPayload } from '../../../support/messages.ts'
import { temporaryDir } from '../../../support/platform.ts'
import { timesRuns } from '../../../support/random-runs.ts'

const SEED = Number(process.env['SEED'] ?? 20261125)
const DAY_NS = 86_400_000_000_000n
const OPTIONS = {
  timezone: 'Europe/Copenhagen',
  lateNs: 60_000_000_000n,
  maxAgeNs: { fleet: 3650n * DAY_NS, metering: 3650n * DAY_NS },
  maxChannels: 64,
}

describe(`the conformance of a device (SEED=${SEED})`, () => {
  let dir: ReturnType<typeof temporaryDir>
  let setUp: ReturnType<typeof intake>

  beforeEach(() => {
    dir = temporaryDir('conformance')
    setUp = intake(join(dir.path, 'ingest.db'))
  })
  afterEach(() => {
    setUp.db.close()
    dir.remove()
  })

  it('is only silence before the first message, without a query of the store', async () => {
    const { findings, facts } = await setUp.ask()
    expect(findings.map(({ code }) => code)).toEqual(['silent'])
    expect(facts).toMatchObject({ registeredFormat: 'native', lastFormat: null, read: 0 })
    expect(setUp.asked).toEqual([])
  })

  it('has no error for a healthy device, from its first message on', async () => {
    for (const [at, position] of [1, 2, 3].entries()) {
      await setUp.send(journaled(position, truckPayload(position)))
      const { findings, facts } = await setUp.ask()
      expect(findings.map(({ severity }) => severity)).toEqual(['info'])
      expect(facts).toMatchObject({
        read: at + 1,
        stored: at + 1,
        lastFormat: 'native',
        sequence: { received: at + 1, lost: 0 },
        transport: { qos: [0, at + 1, 0] },
      })
    }
  })

  it('names the format that can read what its own cannot', async () => {
    const payload = '{"state":{"reported":{"ts":1763999990000,"latlng":"54.79,9.44","sp":7}}}'
    await setUp.send(journaled(1, payload))
    const { findings } = await setUp.ask()
    const other = findings.find(({ code }) => code === 'format_other')
    expect(other).toMatchObject({ severity: 'error', example: payload })
    expect(other?.advice).toContain('looks like teltonika, but it was read as native')
  })

  it('recognises the other format of every good case whose device kind has one', async () => {
    const wrong: string[] = []
    let recognised = 0
    let cases = 0
    for (const { format, name, payload, expected } of CASE_FORMATS.flatMap(casesOf)) {
      if (expected.drafts.length === 0 || expected.settings || expected.secrets) continue
      cases += 1
      const own = intake(join(dir.path, `case-${cases}.db`), { kind: expected.device })
      await own.send(journaled(1, '', { payload }))
      const { findings } = await own.ask()
      const finding = findings.find(({ code }) => code === 'format_other')
      if (finding) recognised += 1
      if (finding && !finding.advice.includes(`looks like ${format},`)) {
        wrong.push(`${format}/${name}: ${finding.advice.slice(0, 40)}`)
      }
      own.db.close()
    }
    expect(wrong).toEqual([])
    expect(recognised).toBeGreaterThan(100)
  })

  it('groups what is rejected by reason and path, and stays within its limits', async () => {
    const bad = { v: 1, kind: 'truck', ts: Number(T0 / 1_000_000n), data: { speedKmh: 'fast' } }
    for (let position = 1; position <= 300; position += 1) {
      await setUp.send(journaled(position, [bad, { ...bad, kind: 'robot' }]))
    }
    const { findings } = await setUp.ask()
    const schema = findings.find(({ code }) => code === 'schema')
    expect(schema).toMatchObject({ severity: 'error', path: '[].data.speedKmh' })
    expect(schema?.example, 'the newest 200').toContain('200 times')
    expect(schema?.example).toContain('fast')
    expect(findings.find(({ code }) => code === 'kind')?.path).toBe('[].kind')
  })

  it('remembers the certificate of the last sign-in over a restart', async () => {
    const seen = {
      commonName: 'acme.t1',
      fingerprint256: 'AB:CD',
      validToNs: T0 + DAY_NS,
      problem: null,
      signedIn: true,
      seenAtNs: T0,
    }
    setUp.signIn(null)
    expect((await setUp.ask()).facts.certificate).toBeNull()
    setUp.signIn(seen)
    setUp.saveAndLoad()
    const { findings, facts } = await setUp.ask()
    expect(findings.map(({ code }) => code)).toEqual(['silent', 'certificate_ending'])
    expect(facts.certificate).toEqual(seen)
    setUp.signIn(null)
    setUp.saveAndLoad()
    expect((await setUp.ask()).facts.certificate).toBeNull()
  })

  it('leaves out what belongs to another device, what was recovered and what is old', async () => {
    await setUp.send(journaled(1, 'not json', { device: 'acme.t2' }))
    expect((await setUp.ask()).findings.map(({ code }) => code)).toEqual(['silent'])
    await setUp.send(journaled(2, 'not json'))
    expect((await setUp.ask()).findings.map(({ code }) => code)).toContain('malformed')
    setUp.clock.nowNs = T0 + 2n * DAY_NS
    expect((await setUp.ask()).findings.map(({ code }) => code)).not.toContain('malformed')
    setUp.clock.nowNs = T0 + 10_000_000_000n
    setUp.recover(2)
    expect((await setUp.ask()).findings.map(({ code }) => code)).not.toContain('malformed')
  })

  it('reads a bounded span of the store only', async () => {
    await setUp.send(journaled(1, truckPayload(1)))
    await setUp.ask()
    const [query] = setUp.asked
    expect(query).toMatchObject({ limit: 500, order: 'desc', kind: 'truck' })
    expect(query?.scope.devices).toEqual(['acme.t1'])
    expect(Number((query?.toNs ?? 0n) - (query?.fromNs ?? 0n))).toBeLessThan(3.7e12)
  })

  it('is the same after the state was saved and loaded again', async () => {
    for (const position of [1, 2, 5]) {
      const more = { qos: 0, retain: true, receivedAtNs: T0 + BigInt(position) } as const
      await setUp.send(journaled(position, truckPayload(position, 900), more))
    }
    const before = await setUp.ask()
    expect(before.findings.map(({ code }) => code)).toEqual(
      expect.arrayContaining(['qos0', 'retained', 'sequence_gaps', 'out_of_range']),
    )
    setUp.saveAndLoad()
    expect(await setUp.ask()).toEqual(before)
  })

  it('has findings whatever bytes were rejected', async () => {
    let position = 0
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.uint8Array({ maxLength: 300 }), fc.json()), async (given) => {
        position += 1
        const payload = Buffer.from(given)
        await setUp.send(journaled(position, '', { payload }))
        const { findings } = await setUp.ask()
        expect(findings.length).toBeGreaterThan(0)
      }),
      { seed: SEED, numRuns: timesRuns(300) },
    )
  })
})

/** The part of the intake after the journal, with a store that is an array. */
function intake(path: string, as: Partial<Device> = {}) {
  const db = openIngestDb(path)
  const rejections = new RejectionLog(db)
  const clock = { nowNs: T0 + 10_000_000_000n }
  const asked: ReadingsScan[] = []
  const stored: ReadingRow[] = []
  const device = (id: string): Device => ({ ...truckOf(id), ...as })
  const deps = {
    device,
    known: async (identities: readonly unknown[]) => identities.map(() => 'unknown' as const),
    statusBefore: (origin: number, position: number) => rejections.statusBefore(origin, position),
  }
  let state: IntakeState = loadState(db, 64)
  let ask = conformance()

  function conformance() {
    return createConformance({
      state,
      db,
      clock: { nowNs: () => clock.nowNs, monoNs: () => clock.nowNs },
      timezone: OPTIONS.timezone,
      device,
      credentialsOf: () => [],
      secretOf: () => null,
      silencesOf: () => [],
    })
  }

  const read: ReadReadings = async (query) => {
    asked.push(query)
    return { data: stored.toReversed(), next: null }
  }

  return {
    db,
    clock,
    asked,
    ask: () => ask('acme.t1', read),
    async send(message: JournaledMessage) {
      const { readings, rejected, recovered } = await judgeBatch(state, [message], deps, OPTIONS)
      stored.push(...readings.map((one) => ({ ...one, flags: [] })))
      rejections.record(rejected, recovered)
      showCounts(state, [message.device])
    },
    recover(position: number) {
      const left = { format: 'native', refused: [] }
      const at = { origin: position, position: position + 1, atNs: T0 }
      rejections.record([], [{ ...at, elements: [-1], left }])
    },
    signIn: (certificate: ClientCertificate | null) => {
      noteCertificate(state, 'acme.t1', certificate)
    },
    saveAndLoad() {
      saveSnapshot(db, state, { journal: 'one', position: 9, parts: {}, stages: [] })
      state = loadState(db, 64)
      ask = conformance()
    },
  }
}
