import type { FullId } from '#lib/telemetry/ids.ts'
import type { Span } from '#lib/telemetry/span.ts'
import { startOf, type Grid } from '#lib/telemetry/time-grid.ts'
import { joulesOfKwh, kwhOfJoules } from '../heat/energy-unit.ts'
import { RegisterJudge, type Judged } from '../heat/register-judge.ts'
import type { RegisterRules } from '../heat/register-meter.ts'
import { registerMoments, type RegisterReading } from '../heat/register-moments.ts'

/*
 * What a counter gained per device and interval (docs/domain.md 3.6): its value at the end of the
 * interval minus that at the end of the interval before, where resets, exchanges, rollovers and
 * wrong values are judged as those of heat registers. Each gain belongs to the interval of the
 * reading that shows it, so the deltas of adjacent intervals add up to that of the whole span.
 */

export interface CounterReading extends RegisterReading {
  readonly device: FullId
}

/** First and last value of a counter in one interval of one device. */
export interface CounterEnds {
  /** Start of the interval. */
  readonly timeNs: bigint
  readonly device: FullId
  readonly first: number
  readonly last: number
}

/** What a store gives of one counter of one kind. Readings come in the order of time. */
export interface CounterSource {
  /** The nearest readings before the span, however old the last one is: at most `NEAREST`. */
  before(devices: readonly FullId[]): Promise<readonly CounterReading[]>
  /** The nearest readings after the span: at most `NEAREST`. */
  after(devices: readonly FullId[]): Promise<readonly CounterReading[]>
  /** Devices with a reading in the span that is below the one before it in the span. */
  fallen(devices: readonly FullId[]): Promise<readonly FullId[]>
  /** All readings of the span, device by device, some thousands at once. */
  readings(devices: readonly FullId[]): AsyncIterable<readonly CounterReading[]>
}

/** Readings beside the span: enough to recognise a few wrong values. */
export const NEAREST = 8

export interface CounterScan extends Span {
  readonly grid: Grid
  /** In the order of time. */
  readonly ends: readonly CounterEnds[]
  readonly rulesOf: (device: FullId) => RegisterRules
  /** Meters are exchanged and have a power: each of their readings is judged. */
  readonly isMeter: boolean
}

/** The deltas of `ends`, in their order; never negative. */
export async function counterDeltas(
  source: CounterSource,
  scan: CounterScan,
): Promise<readonly number[]> {
  const devices = [...new Set(scan.ends.map(({ device }) => device))]
  const near = {
    before: Map.groupBy(await source.before(devices), ({ device }) => device),
    after: Map.groupBy(await source.after(devices), ({ device }) => device),
  }
  const judged = new Set(await judgedDevices(source, scan, devices, near))
  const gains = judged.size === 0 ? new Map() : await judgedGains(source, scan, [...judged], near)
  const lastJ = new Map<FullId, bigint>()
  return scan.ends.map(({ timeNs, device, first, last }) => {
    if (judged.has(device)) return kwhOfJoules(gains.get(keyOf(device, timeNs)) ?? 0n)
    // A counter that never falls gains the difference of its ends.
    const fromJ = lastJ.get(device) ?? amountOf(near.before.get(device)?.at(-1)?.energyKwh ?? first)
    const toJ = amountOf(last)
    lastJ.set(device, toJ)
    return kwhOfJoules(toJ - fromJ)
  })
}

interface Near {
  readonly before: ReadonlyMap<FullId, readonly CounterReading[]>
  readonly after: ReadonlyMap<FullId, readonly CounterReading[]>
}

/** Devices whose readings must be looked at one by one. */
async function judgedDevices(
  source: CounterSource,
  { ends, isMeter }: CounterScan,
  devices: readonly FullId[],
  { before, after }: Near,
): Promise<readonly FullId[]> {
  if (isMeter) return devices
  const ofDevice = Map.groupBy(ends, ({ device }) => device)
  const falls = new Set(await source.fallen(devices))
  return devices.filter((device) => {
    const within = (ofDevice.get(device) ?? []).flatMap(({ first, last }) => [first, last])
    const values = [...valuesOf(before.get(device)), ...within, ...valuesOf(after.get(device))]
    return falls.has(device) || values.some((value, at) => value < (values[at - 1] ?? value))
  })
}

function valuesOf(readings: readonly CounterReading[] = []): readonly number[] {
  return readings.map(({ energyKwh }) => energyKwh)
}

type Gains = Map<string, bigint>

async function judgedGains(
  source: CounterSource,
  scan: CounterScan,
  devices: readonly FullId[],
  { before, after }: Near,
): Promise<Gains> {
  const gains: Gains = new Map()
  const seen = new Set<FullId>()
  let current: DeviceGains | null = null
  const finish = () => {
    if (!current) return
    current.add(after.get(current.device) ?? [])
    current.end()
  }
  for await (const readings of source.readings(devices)) {
    for (const [device, some] of Map.groupBy(readings, (reading) => reading.device)) {
      if (current?.device !== device) {
        finish()
        if (seen.has(device)) throw new Error('expected the readings device by device')
        seen.add(device)
        current = new DeviceGains(device, scan, gains)
        current.add(before.get(device) ?? [])
      }
      current.add(some)
    }
  }
  finish()
  return gains
}

/** Adds up what one device gains, reading by reading. */
class DeviceGains {
  readonly device: FullId
  readonly #judge: RegisterJudge
  readonly #scan: CounterScan
  readonly #gains: Gains
  /** Of one time: they are put in order together. */
  #together: CounterReading[] = []

  constructor(device: FullId, scan: CounterScan, gains: Gains) {
    this.device = device
    this.#judge = new RegisterJudge(scan.rulesOf(device))
    this.#scan = scan
    this.#gains = gains
  }

  add(readings: readonly CounterReading[]): void {
    for (const reading of readings) {
      if (this.#together[0]?.timeNs !== reading.timeNs) this.#push()
      this.#together.push(reading)
    }
  }

  end(): void {
    this.#push()
    this.#judge.end(this.#take)
  }

  #push(): void {
    if (this.#together.length === 0) return
    for (const moment of registerMoments(this.#together)) this.#judge.push(moment, this.#take)
    this.#together = []
  }

  readonly #take = ({ moment, step }: Judged) => {
    const { fromNs, toNs, grid } = this.#scan
    const { timeNs } = moment
    if (step.energyJ === null || timeNs < fromNs || timeNs >= toNs) return
    const key = keyOf(this.device, startOf(timeNs, grid))
    this.#gains.set(key, (this.#gains.get(key) ?? 0n) + step.energyJ)
  }
}

function keyOf(device: FullId, timeNs: bigint): string {
  return `${timeNs} ${device}`
}

/** In millionths of a kWh or of the unit of the counter, so that sums are exact. */
function amountOf(value: number): bigint {
  return joulesOfKwh(value) ?? 0n
}
