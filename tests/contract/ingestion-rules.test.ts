import { describe, expect, it } from 'vitest'
import type { Device } from '#lib/registry/registry.ts'
import { FLAGS, flagNames } from '#lib/telemetry/flags.ts'
import type { JournaledMessage } from '#lib/telemetry/message.ts'
import { parseDeviceTime } from '#lib/telemetry/time.ts'
import { FORMAT_NAMES } from '../../ingest/formats/catalogue.ts'
import { judgeBatch } from '../../ingest/pipeline/process-batch.ts'
import { createIntakeState } from '../../ingest/state/intake-state.ts'
import { CASE_FORMATS, caseNamed } from '../support/format-cases.ts'
import { rulesOf, type Example, type FormatRules } from '../support/formats-rules.ts'
import { T0, truckOf } from '../support/messages.ts'

/**
 * The eleven rules of ingestion (docs/domain.md 8), each on every format of the catalogue, through
 * the pipeline as the writer runs it. Payloads are the cases of the format, some with one piece
 * exchanged: `tests/cases/<format>/rules.json` says which (tests/cases/README.md).
 */
const DAY_NS = 86_400_000_000_000n
const OPTIONS = {
  timezone: 'Europe/Copenhagen',
  lateNs: 60_000_000_000n,
  maxAgeNs: { fleet: 1n << 62n, metering: 1n << 62n },
  maxChannels: 64,
}

interface Given {
  readonly device: Device
  readonly topic: string
  readonly payload: Uint8Array
}

function given(format: string, example: Example): Given {
  const { expected, payload: bytes } = caseNamed(format, example.case)
  const { device: kind, channel = 'telemetry', settings = {} } = expected
  const payload = example.swap ? exchanged(bytes, example.swap) : bytes
  const own = { ...settings, ...example.settings }
  const device: Device = { ...truckOf(), kind, format, settings: own }
  const topic = channel.includes('/') ? channel : `padborg/v1/acme/t1/${channel}`
  return { device, topic, payload }
}

function exchanged(bytes: Buffer, [from, to]: readonly [string, string]): Buffer {
  const text = bytes.toString('latin1')
  expect(text).toContain(from)
  return Buffer.from(text.replace(from, to), 'latin1')
}

type More = Partial<JournaledMessage>

/** What the pipeline makes of a message that comes as often as there are arrivals. */
async function take({ device, topic, payload }: Given, ...arrivals: readonly More[]) {
  const state = createIntakeState()
  const deps = {
    device: () => device,
    known: async (identities: readonly unknown[]) => identities.map(() => 'unknown' as const),
    statusBefore: () => ({ open: [], rejected: false }),
  }
  const messages = (arrivals.length === 0 ? [{}] : arrivals).map((more, at) => ({
    position: at + 1,
    device: device.id,
    topic,
    payload,
    qos: 1 as const,
    retain: false,
    dup: false,
    will: false,
    receivedAtNs: T0,
    receivedMonoNs: BigInt(at),
    origin: null,
    ...more,
  }))
  const { readings, rejected, counts } = await judgeBatch(state, messages, deps, OPTIONS)
  return {
    readings,
    rejected,
    counts,
    last: [...(state.devices.get(device.id)?.last.values() ?? [])],
  }
}

const flagsOf = (readings: readonly { readonly flags: number }[]) =>
  readings.flatMap(({ flags }) => flagNames(flags))

const RULES = new Map(FORMAT_NAMES.map((format) => [format, rulesOf(format)]))

/** The formats that a rule says something of, with what shows it. */
function shownBy<Name extends keyof FormatRules>(name: Name) {
  return FORMAT_NAMES.flatMap((format) => {
    const rule = RULES.get(format)?.[name]
    if (rule === undefined || typeof rule === 'string') return []
    // Sentences have just been left out.
    return [{ format, rule: rule as Exclude<FormatRules[Name], string> }]
  })
}

const GOOD = FORMAT_NAMES.flatMap((format) =>
  (RULES.get(format)?.good ?? []).map((name) => ({ format, name })),
)

/** The same, of payloads that have a time of their own. */
async function timed(format: string, name: string) {
  const message = given(format, { case: name })
  const { readings } = await take(message)
  const own = readings.filter(({ flags, timeNs }) => (flags & 1) === 0 && timeNs !== T0)
  return { message, times: own.map(({ timeNs }) => timeNs) }
}

describe('the table', () => {
  it('has a file for every format, and none for another', () => {
    const withRules = CASE_FORMATS.filter((format) => rulesOf(format) !== null)
    expect(withRules.toSorted()).toEqual([...FORMAT_NAMES].toSorted())
  })
})

describe('rule 1: nothing is dropped silently', () => {
  it.each(GOOD)('$format/$name is stored', async ({ format, name }) => {
    const { readings, rejected, counts } = await take(given(format, { case: name }))
    expect(readings.length).toBeGreaterThan(0)
    expect(rejected).toEqual([])
    expect(counts).toEqual({ stored: 1, duplicate: 0, rejected: 0 })
  })

  it.each(FORMAT_NAMES)('%s refuses noise with a reason', async (format) => {
    const [name = ''] = RULES.get(format)?.good ?? []
    const noise = { ...given(format, { case: name }), payload: Buffer.from('\u0001 no payload') }
    const { readings, rejected, counts } = await take(noise)
    expect(readings).toEqual([])
    expect(rejected.length).toBeGreaterThan(0)
    expect(counts.rejected).toBe(1)
  })
})

describe('rule 2: a tolerant reader', () => {
  it.each(shownBy('unknownField'))('$format ignores unknown names', async (one) => {
    const { readings, rejected } = await take(given(one.format, one.rule))
    const plain = await take(given(one.format, { case: one.rule.case }))
    expect(rejected).toEqual([])
    expect(readings.map(({ fields }) => fields)).toEqual(plain.readings.map(({ fields }) => fields))
  })

  it.each(shownBy('nullField'))('$format accepts null for an optional value', async (one) => {
    const plain = await take(given(one.format, { case: one.rule.case }))
    expect(plain.readings[0]?.fields).toHaveProperty(one.rule.field)
    const { readings, rejected } = await take(given(one.format, one.rule))
    expect(rejected).toEqual([])
    expect(readings[0]?.fields).not.toHaveProperty(one.rule.field)
  })

  it.each(shownBy('missing'))('$format refuses a payload without a required value', async (one) => {
    const { rejected } = await take(given(one.format, one.rule))
    expect(rejected).toHaveLength(1)
    expect(rejected[0]?.refused[0]?.reason).toMatch(/^(?:schema|malformed)$/)
    expect(rejected[0]?.refused[0]?.path).toContain(one.rule.path)
    expect(rejected[0]?.refused[0]?.expected).not.toBe('')
  })
})

describe('rule 3: times', () => {
  it.each([
    { value: 1_764_000_000, unit: 's' },
    { value: 1_764_000_000_000, unit: 'ms' },
    { value: 1_764_000_000_000_000, unit: 'us' },
    { value: '1764000000000000000', unit: 'ns' },
    { value: '2025-11-24T16:00:00Z', unit: 'ISO 8601' },
    { value: '2025-11-24T17:00:00.000000000+01:00', unit: 'ISO 8601 with an offset' },
  ])('$value is recognised as $unit, by the one function of all formats', ({ value }) => {
    expect(parseDeviceTime(value)).toBe(T0)
  })

  it.each(shownBy('badClock'))('$format: a year before 2015 is a wrong clock', async (one) => {
    const { readings } = await take(given(one.format, one.rule))
    const wrong = readings.find(({ flags }) => (flags & FLAGS.clock_invalid) !== 0)
    expect(wrong?.timeNs).toBe(T0)
    expect(String(wrong?.claimedTimeNs)).toMatch(/^1[01]\d{17}$/)
  })

  it.each(GOOD)('$format/$name: more than a day ahead is a wrong clock', async (one) => {
    const { message, times } = await timed(one.format, one.name)
    for (const timeNs of times) {
      const receivedAtNs = timeNs - DAY_NS - 1n
      const { readings } = await take(message, { receivedAtNs })
      const found = readings.find(({ claimedTimeNs }) => claimedTimeNs === timeNs)
      expect(found?.timeNs).toBe(receivedAtNs)
      expect(flagsOf(readings)).toContain('clock_invalid')
    }
  })

  it.each(shownBy('naiveTime').filter(({ rule }) => rule.outcome === 'refused'))(
    '$format refuses a time without a zone',
    async (one) => {
      const { readings, rejected } = await take(given(one.format, one.rule))
      expect(readings).toEqual([])
      expect(rejected[0]?.refused[0]?.got).toMatch(/\d\d:\d\d/)
    },
  )

  it.each(shownBy('naiveTime').filter(({ rule }) => rule.outcome === 'flagged'))(
    '$format: a time without a zone is not guessed',
    async (one) => {
      const { readings } = await take(given(one.format, one.rule))
      expect(flagsOf(readings)).toContain('clock_invalid')
      expect(readings[0]?.timeNs).toBe(T0)
    },
  )
})

describe('rule 4: no values', () => {
  it.each(shownBy('sentinel'))('$format stores no value for "not available"', async (one) => {
    const { readings, rejected } = await take(given(one.format, one.rule))
    expect(rejected).toEqual([])
    expect(readings.length).toBeGreaterThan(0)
    for (const { fields, flags } of readings) {
      expect(fields).not.toHaveProperty(one.rule.field)
      expect(flags & FLAGS.out_of_range).toBe(0)
    }
  })
})

describe('rule 5: the topic names the device', () => {
  it.each(shownBy('mismatch'))('$format flags another name in the payload', async (one) => {
    const { readings, rejected } = await take(given(one.format, one.rule))
    expect(rejected).toEqual([])
    expect(readings[0]?.device).toBe('acme.t1')
    expect(flagsOf(readings)).toContain('identity_mismatch')
  })
})

describe('rules 6 to 8: arrival', () => {
  it.each(GOOD)('$format/$name twice is stored once', async ({ format, name }) => {
    const message = given(format, { case: name })
    const once = await take(message)
    const { readings, counts } = await take(message, {}, { dup: true })
    expect(readings).toHaveLength(once.readings.length)
    expect(counts).toEqual({ stored: 1, duplicate: 1, rejected: 0 })
  })

  it.each(GOOD)('$format/$name retained or as a will is not live', async ({ format, name }) => {
    for (const more of [{ retain: true }, { will: true }]) {
      const { readings } = await take(given(format, { case: name }), more)
      expect(readings.length).toBeGreaterThan(0)
      for (const { flags } of readings) expect(flags & FLAGS.not_live).toBe(FLAGS.not_live)
    }
  })

  it.each(GOOD)('$format/$name late is stored at its own time', async (one) => {
    const { message, times } = await timed(one.format, one.name)
    for (const timeNs of times) {
      const receivedAtNs = timeNs + OPTIONS.lateNs + 1n
      const { readings } = await take(message, { receivedAtNs })
      const found = readings.find((reading) => reading.timeNs === timeNs)
      expect(found && flagNames(found.flags)).toContain('late')
    }
  })
})

describe('rule 9: units', () => {
  it.each(shownBy('unknownUnit'))('$format refuses an unknown unit', async (one) => {
    const { readings, rejected } = await take(given(one.format, one.rule))
    expect(readings).toEqual([])
    expect(rejected[0]?.refused[0]?.reason).toBe('unit_unknown')
  })
})

describe('rule 10: personal data', () => {
  it.each(shownBy('personal'))('$format keeps none of it', async ({ format, rule }) => {
    const message = given(format, rule)
    const { readings, last } = await take(message)
    const stored = JSON.stringify([readings, last], (_, value) =>
      typeof value === 'bigint' ? String(value) : value,
    )
    expect(readings.length).toBeGreaterThan(0)
    const sent = Buffer.from(message.payload).toString('latin1')
    expect(rule.never.some((text) => sent.includes(text))).toBe(true)
    for (const text of rule.never) expect(stored).not.toContain(text)
  })
})

describe('rule 11: out of range', () => {
  it.each(shownBy('outOfRange'))('$format keeps the value, flagged everywhere', async (one) => {
    const { readings, last, rejected } = await take(given(one.format, one.rule))
    expect(rejected).toEqual([])
    expect(readings[0]?.fields[one.rule.field]).toBe(one.rule.value)
    expect(flagsOf(readings)).toContain('out_of_range')
    for (const { flags } of last) expect(flags).toContain('out_of_range')
  })
})
