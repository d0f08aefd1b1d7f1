import { parseArgs } from 'node:util'
import { z } from 'zod'
import { KINDS } from '#lib/telemetry/catalogue.ts'
import { radioSchema } from '#lib/telemetry/radio.ts'
import { createRandom } from '#lib/runtime/random.ts'
import { FORMAT_NAMES, formatNamed } from '../ingest/formats/catalogue.ts'
import type { FormatInput } from '../ingest/formats/format.ts'
import { faultOf } from '../tests/support/formats-fuzz-faults.ts'
import { DEPTH, mutated, readCases } from '../tests/support/formats-fuzz-inputs.ts'
import { formatInput } from '../tests/support/format-input.ts'
import { machineFacts, median } from './machine.ts'

/*
 * What a message costs in each format, and what the native one costs beside JSON.parse and the same zod
 * schema on the same payloads. All are measured in turns in one process, so that what else the machine
 * does to the caches falls on each alike; the ratio is that of the medians.
 *   node bench/formats.ts [--rounds 15] [--fuzz 1000000] [--seed 1] [--deep 20000]
 * With --fuzz so many mutated cases go through the formats as well; the first faults are printed.
 * `--rounds 0` leaves the costs out. `npm run bench` runs it for its sections `formats` and `fuzz`.
 */
const { values: options } = parseArgs({
  options: {
    rounds: { type: 'string', default: '15' },
    fuzz: { type: 'string', default: '0' },
    seed: { type: 'string', default: '1' },
    deep: { type: 'string', default: String(DEPTH.most) },
  },
})

const ROUNDS = Number(options.rounds)
const SEED = Number(options.seed)
/** Payloads of a round: many, so that no cache holds the answer to one of them. */
const PAYLOADS = 2000
/** How long one measurement lasts at least. */
const LEAST_US = 60_000
/** Time of this thread on a processor: what else the machine does costs none. */
const cpuUs = () => {
  const { user, system } = process.threadCpuUsage()
  return user + system
}

interface Work {
  readonly name: string
  readonly run: () => number
}

const results = {
  machine: machineFacts(),
  ...(ROUNDS > 0 ? { costs: costs() } : {}),
  ...(Number(options.fuzz) > 0 ? { fuzz: fuzz(Number(options.fuzz)) } : {}),
}
process.stdout.write(`${JSON.stringify(results, null, 2)}\n`)

function costs() {
  const works = [
    ...nativeWorks(),
    ...FORMAT_NAMES.filter((name) => name !== 'native').map((name) => caseWork(name)),
  ]
  const times = measure(works)
  const cost = (name: string) => Number(median(times.get(name) ?? []).toFixed(3))
  const ratio = Number((cost('native') / cost('JSON.parse + zod')).toFixed(3))
  return {
    microsecondsPerMessage: Object.fromEntries(works.map(({ name }) => [name, cost(name)])),
    native: { ratioToJsonParseAndZod: ratio, goal: 1.15, isMet: ratio <= 1.15 },
  }
}

/** Microseconds per message of every work, one figure a round, in turns. */
function measure(all: readonly Work[]): ReadonlyMap<string, readonly number[]> {
  const found = new Map<string, number[]>(all.map(({ name }) => [name, []]))
  const warmUp = 3
  for (let round = -warmUp; round < ROUNDS; round += 1) {
    for (const { name, run } of all) {
      let messages = 0
      const begun = cpuUs()
      while (cpuUs() - begun < LEAST_US) messages += run()
      if (round >= 0) found.get(name)?.push((cpuUs() - begun) / messages)
    }
  }
  return found
}

/** The payload of `bench/subjects.ts`, whole and each with numbers of its own. */
function nativeWorks(): readonly Work[] {
  const random = createRandom(SEED)
  const inputs = Array.from({ length: PAYLOADS }, (_, seq) => {
    const payload = Buffer.from(JSON.stringify(truckMessage(seq, random)))
    return formatInput(payload, 'truck', 'telemetry')
  })
  const Schema = z.object({
    v: z.literal(1),
    kind: z.literal('truck'),
    ts: z.number(),
    seq: z.int().min(0),
    data: KINDS.truck.data,
    radio: radioSchema.optional(),
  })
  const readAndCheck = ({ message }: FormatInput) =>
    Schema.safeParse(JSON.parse(Buffer.from(message.payload).toString('utf8'))).success ? 1 : 0
  return [
    { name: 'native', run: () => parseAll('native', inputs) },
    {
      name: 'JSON.parse + zod',
      run() {
        let good = 0
        for (const input of inputs) good += readAndCheck(input)
        return requireAll(good, inputs.length, 'JSON.parse + zod')
      },
    },
  ]
}

function truckMessage(seq: number, random: ReturnType<typeof createRandom>) {
  const fixed = (min: number, max: number, digits: number) =>
    Number((min + random.next() * (max - min)).toFixed(digits))
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

/** A figure of messages that were refused would be none. */
function requireAll(good: number, all: number, name: string): number {
  if (good !== all || all === 0) throw new Error(`${name}: ${good} of ${all} messages were read`)
  return all
}

function fuzz(inputs: number) {
  DEPTH.most = Number(options.deep)
  const cases = readCases()
  const random = createRandom(SEED)
  const firstFaults: string[] = []
  let faults = 0
  let slowest = { ms: 0, format: '', bytes: 0 }
  const begun = performance.now()
  for (let n = 0; n < inputs; n += 1) {
    const input = mutated(cases, random)
    const before = performance.now()
    const fault = faultOf(input)
    const ms = performance.now() - before
    if (ms > slowest.ms) slowest = { ms, format: input.format, bytes: input.payload.length }
    if (fault === null) continue
    faults += 1
    if (firstFaults.length < 10) firstFaults.push(`${n}: ${fault}`)
  }
  const seconds = Number(((performance.now() - begun) / 1000).toFixed(1))
  return { inputs, seed: SEED, seconds, slowest, faults, faultsExpected: 0, firstFaults }
}
