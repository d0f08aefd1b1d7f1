import { parseArgs } from 'node:util'
import { z } from 'zod'
import { KINDS } from '#lib/telemetry/catalogue.ts'
import { radioSchema } from '#lib/telemetry/radio.ts'
import { createRandom, type Random } from '#lib/runtime/random.ts'
import { FORMAT_NAMES, formatNamed } from '../../ingest/formats/catalogue.ts'
import type { FormatInput } from '../../ingest/formats/format.ts'
import { formatInput } from '../../tests/support/format-input.ts'
import { readCases } from '../../tests/support/formats-fuzz-inputs.ts'
import { median, round } from '../machine.ts'

/*
 * What a message costs in each format, and what the native one costs beside JSON.parse and the same zod
 * schema on the same payloads. All are measured in turns in one process, so that other load on the
 * machine falls on each alike; the ratio is that of the medians.
 *   node bench/formats/costs.ts [--rounds 15] [--seed 1]
 */
const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '15' },
    seed: { type: 'string', default: '1' },
  },
})

const ROUNDS = Number(options.rounds)
const SEED = Number(options.seed)
/** Payloads of a round: many, so that no cache holds the result of one of them. */
const PAYLOADS = 2000
const MIN_MEASUREMENT_US = 60_000
const GOAL_RATIO = 1.15
/** Processor time of this thread: other processes do not count. */
const cpuUs = () => {
  const { user, system } = process.threadCpuUsage()
  return user + system
}

interface Work {
  readonly name: string
  /** Reads all its messages once; answers how many. */
  readonly run: () => number
}

function costs() {
  const works = [
    ...nativeWorks(),
    ...FORMAT_NAMES.filter((name) => name !== 'native').map((name) => caseWork(name)),
  ]
  const times = measure(works)
  const cost = (name: string) => round(median(times.get(name) ?? []), 3)
  const ratio = round(cost('native') / cost('JSON.parse + zod'), 3)
  return {
    microsecondsPerMessage: Object.fromEntries(works.map(({ name }) => [name, cost(name)])),
    native: { ratioToJsonParseAndZod: ratio, goal: GOAL_RATIO, isMet: ratio <= GOAL_RATIO },
  }
}

/** Microseconds per message of every work, one figure a round, measured in turns. */
function measure(all: readonly Work[]): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, number[]>(all.map(({ name }) => [name, []]))
  const warmUp = 3
  for (let turn = -warmUp; turn < ROUNDS; turn += 1) {
    for (const { name, run } of all) {
      let messages = 0
      const begun = cpuUs()
      while (cpuUs() - begun < MIN_MEASUREMENT_US) messages += run()
      if (turn >= 0) found.get(name)?.push((cpuUs() - begun) / messages)
    }
  }
  return found
}

/** The payload of `bench/subjects/product.ts`, each with numbers of its own. */
function nativeWorks(): readonly Work[] {
  const random = createRandom(SEED)
  const inputs = Array.from({ length: PAYLOADS }, (_, seq) => {
    const payload = Buffer.from(JSON.stringify(truckMessage(seq, random)))
    return formatInput(payload, 'truck', 'telemetry')
  })
  return [
    { name: 'native', run: () => parseAll('native', inputs) },
    { name: 'JSON.parse + zod', run: () => readAndCheckAll(inputs) },
  ]
}

const TRUCK_MESSAGE = z.object({
  v: z.literal(1),
  kind: z.literal('truck'),
  ts: z.number(),
  seq: z.int().min(0),
  data: KINDS.truck.data,
  radio: radioSchema.optional(),
})

function readAndCheckAll(inputs: readonly FormatInput[]): number {
  let good = 0
  for (const { message } of inputs) {
    const value: unknown = JSON.parse(Buffer.from(message.payload).toString('utf8'))
    good += TRUCK_MESSAGE.safeParse(value).success ? 1 : 0
  }
  return requireAll(good, inputs.length, 'JSON.parse + zod')
}

function truckMessage(seq: number, random: Random) {
  const fixed = (min: number, max: number, digits: number) =>
    round(min + random.next() * (max - min), digits)
  return {
    v: 1,
    kind: 'truck',
    ts: 1_764_000_000_000 + seq,
    seq,
    data: {
      lat: fixed(47, 55, 6),
      lon: fixed(6, 15, 6),
      altM: fixed(0, 90, 1),
      speedKmh: fixed(0, 90, 1),
      headingDeg: fixed(0, 359.9, 1),
      odometerM: random.integer(1_000_000, 9_999_999),
      fuelPct: fixed(0, 100, 1),
      ambientC: fixed(0, 30, 1),
      engineHoursH: fixed(100, 9999.9, 1),
    },
    radio: {
      rat: 'nr-sa',
      rsrpDbm: -random.integer(80, 120),
      rsrqDb: -random.integer(5, 19),
      sinrDb: random.integer(0, 30),
      cellId: `5C42250${random.integer(1, 9)}`,
      band: 'n78',
      operator: '238-01',
    },
  }
}

/** The good cases of a format, in turns. */
function caseWork(format: string): Work {
  const inputs = readCases()
    .filter((one) => one.format === format)
    .map(({ payload, kind, channel, settings }) => formatInput(payload, kind, channel, settings))
    .filter((input) => (formatNamed(format)?.parse(input).elements.length ?? 0) > 0)
  return { name: format, run: () => parseAll(format, inputs) }
}

function parseAll(name: string, inputs: readonly FormatInput[]): number {
  const format = formatNamed(name)
  let good = 0
  for (const input of inputs) good += (format?.parse(input).elements.length ?? 0) > 0 ? 1 : 0
  return requireAll(good, inputs.length, name)
}

/** Refused messages cost less, so a figure that includes some would be wrong. */
function requireAll(good: number, all: number, name: string): number {
  if (good !== all || all === 0) throw new Error(`${name}: ${good} of ${all} messages were read`)
  return all
}

process.stdout.write(`${JSON.stringify(costs(), null, 2)}\n`)
