import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { joulesOfKwh } from '#lib/kpi/heat/energy-unit.ts'
import { heatIntervals, type HeatIntervals } from '#lib/kpi/heat/heat-intervals.ts'
import { heatFigures, heatPieces, mergeHeat } from '#lib/kpi/heat/recovered-heat.ts'
import type { RegisterReading } from '#lib/kpi/heat/register-moments.ts'
import { timesRuns } from '../support/random-runs.ts'

/*
 * A heat source gives at most 10 kW; its register counts whole kWh. What the readings of it come to
 * is compared with what the source truly gave, and registers that no source ever made are tried too.
 */
const SEED = Number(process.env['SEED'] ?? 20261124)
const parameters = { seed: SEED, numRuns: timesRuns(400) }

const START_NS = 1_700_000_000_000_000_000n
const MINUTE_NS = 60_000_000_000n
const MAX_POWER_KW = 10
const METER = { maxPowerKw: MAX_POWER_KW, registerDigits: 9 }
const STEP_J = 3_600_000n

type Event = 'none' | 'reset' | 'exchange' | 'spike' | 'lost'

const step = (events: readonly Event[]) =>
  fc.record({
    minutes: fc.integer({ min: 1, max: 300 }),
    load: fc.double({ min: 0, max: 1, noNaN: true }),
    event: fc.oneof(
      { weight: 6, arbitrary: fc.constant<Event>('none') },
      fc.constantFrom(...events),
    ),
    spikeKwh: fc.constantFrom(0, 5_000_000),
  })

const source = (...events: Event[]) =>
  fc.record({
    startKwh: fc.integer({ min: 100_000, max: 900_000 }),
    steps: fc.array(step(events), { minLength: 1, maxLength: 60 }),
  })

type Source = typeof source extends (...events: Event[]) => fc.Arbitrary<infer T> ? T : never

/** The readings of a source, and the heat it truly gave from the first to the last of them. */
function run({ startKwh, steps }: Source, modulus = Infinity) {
  let timeNs = START_NS
  let registerKwh = startKwh
  let trueKwh = 0
  let exchanges = 0
  const readings: RegisterReading[] = []
  const read = (energyKwh: number) =>
    readings.push({
      timeNs,
      energyKwh: Math.floor(energyKwh) % modulus,
      meterId: `m${exchanges}`,
      flags: [],
    })
  read(registerKwh)
  for (const { minutes, load, event, spikeKwh } of steps) {
    timeNs += BigInt(minutes) * MINUTE_NS
    const gainedKwh = (load * MAX_POWER_KW * minutes) / 60
    trueKwh += gainedKwh
    // After a reset or an exchange the register begins again and counts the rest of the step.
    registerKwh =
      event === 'reset' || event === 'exchange' ? gainedKwh / 2 : registerKwh + gainedKwh
    if (event === 'exchange') exchanges += 1
    // A low value beside a low register would be a possible one, so there the spike is high.
    if (event === 'spike') read(registerKwh > 1000 ? spikeKwh : 5_000_000)
    else if (event !== 'lost') read(registerKwh)
  }
  return { readings, trueKwh }
}

const totalJ = ({ intervals }: HeatIntervals) =>
  intervals.reduce((sum, { energyJ }) => sum + (energyJ ?? 0n), 0n)

/** Readings that need not make sense. */
const wild = fc.array(
  fc.record({
    timeNs: fc
      .integer({ min: 0, max: 3000 })
      .map((minutes) => START_NS + BigInt(minutes) * MINUTE_NS),
    energyKwh: fc.oneof(
      fc.integer({ min: 0, max: 60 }),
      fc.integer({ min: 0, max: 1_000_000_010 }),
      fc.double({ min: -5, max: 50 }),
    ),
    meterId: fc.constantFrom(null, 'a', 'b'),
    flags: fc.constantFrom([], ['sensor_error' as const], ['clock_invalid' as const]),
    status: fc.constantFrom(undefined, null, 'OK', 'DRY'),
    operatingHoursH: fc.constantFrom(undefined, 5, 500),
  }),
  { maxLength: 60 },
)

describe(`heat from registers (SEED=${SEED})`, () => {
  it('does not depend on the order of arrival or on copies', () => {
    const mixed = wild.chain((readings) =>
      fc.tuple(
        fc.constant(readings),
        fc.shuffledSubarray([...readings, ...readings], { minLength: readings.length * 2 }),
      ),
    )
    fc.assert(
      fc.property(mixed, ([readings, shuffled]) => {
        expect(heatIntervals(shuffled, METER)).toEqual(heatIntervals(readings, METER))
      }),
      parameters,
    )
  })

  it('is never negative, nor more than the meter can have measured, whatever the readings are', () => {
    fc.assert(
      fc.property(wild, (readings) => {
        const { intervals } = heatIntervals(readings, METER)
        for (const [at, { fromNs, toNs, energyJ, kind }] of intervals.entries()) {
          expect(fromNs).toBe(intervals[at - 1]?.toNs ?? fromNs)
          expect(energyJ === null).toBe(kind === 'missing' || kind === 'excluded')
          const limitJ = (12_000n * (toNs - fromNs)) / 1_000_000_000n + STEP_J
          expect((energyJ ?? 0n) >= 0n && (energyJ ?? 0n) <= limitJ).toBe(true)
        }
      }),
      parameters,
    )
  })

  it('is the difference of the last and the first register of an honest meter', () => {
    fc.assert(
      fc.property(source('lost'), (honest) => {
        const { readings } = run(honest)
        const gainedJ =
          joulesOfKwh(readings.at(-1)!.energyKwh)! - joulesOfKwh(readings[0]!.energyKwh)!
        expect(totalJ(heatIntervals(readings, METER))).toBe(gainedJ)
      }),
      parameters,
    )
  })

  it('goes over the last digit without loss or gain', () => {
    const near = source('lost').map(({ startKwh, steps }) => ({
      startKwh: 9_990 + (startKwh % 10),
      steps,
    }))
    fc.assert(
      fc.property(near, (honest) => {
        const straight = run(honest).readings
        const rolled = run(honest, 10_000).readings
        expect(totalJ(heatIntervals(rolled, { ...METER, registerDigits: 4 }))).toBe(
          totalJ(heatIntervals(straight, METER)),
        )
      }),
      parameters,
    )
  })

  it('is never created by resets, exchanges, wrong readings and gaps', () => {
    fc.assert(
      fc.property(source('reset', 'exchange', 'spike', 'lost'), (troubled) => {
        const { readings, trueKwh } = run(troubled)
        const heat = heatIntervals(readings, METER)
        // Each unbroken run of the register is true within a step.
        const runs = 1 + heat.intervals.filter(({ kind }) => kind === 'missing').length
        expect(Number(totalJ(heat)) / 3.6e6).toBeLessThanOrEqual(trueKwh + runs)
      }),
      { ...parameters, numRuns: 1500 },
    )
  })
})

describe(`heat of a period (SEED=${SEED})`, () => {
  const cuts = fc.array(fc.integer({ min: -100, max: 3100 }), { minLength: 1, maxLength: 40 })

  it('is the sum of its parts, however it is cut, and all else with it', () => {
    fc.assert(
      fc.property(wild, cuts, (readings, minutes) => {
        const edges = [...new Set([-100, ...minutes, 3100])].toSorted((a, b) => a - b)
        const edgesNs = edges.map((minute) => START_NS + BigInt(minute) * MINUTE_NS)
        const heat = heatIntervals(readings, METER)
        const parts = edgesNs.slice(1).map((toNs, at) => ({ fromNs: edgesNs[at]!, toNs }))
        const whole = { fromNs: edgesNs[0]!, toNs: edgesNs.at(-1)! }
        expect(mergeHeat(...heatPieces(heat, parts))).toEqual(heatPieces(heat, [whole])[0])
        expect(heatPieces(heat, [whole])[0]!.energyJ ?? 0n).toBe(totalJ(heat))
      }),
      parameters,
    )
  })

  it('merges in any order and any grouping, and nothing is neutral', () => {
    fc.assert(
      fc.property(wild, cuts, (readings, minutes) => {
        const edges = [...new Set([0, ...minutes, 3000])].toSorted((a, b) => a - b)
        const edgesNs = edges.map((minute) => START_NS + BigInt(minute) * MINUTE_NS)
        const parts = edgesNs.slice(1).map((toNs, at) => ({ fromNs: edgesNs[at]!, toNs }))
        const pieces = heatPieces(heatIntervals(readings, METER), parts)
        const all = mergeHeat(...pieces)
        const half = pieces.length >> 1
        expect(mergeHeat(...pieces.toReversed())).toEqual(all)
        expect(
          mergeHeat(mergeHeat(...pieces.slice(0, half)), mergeHeat(...pieces.slice(half))),
        ).toEqual(all)
        expect(mergeHeat(all, mergeHeat())).toEqual(all)
      }),
      parameters,
    )
  })

  it('covers between nothing and all of the time', () => {
    fc.assert(
      fc.property(wild, fc.integer({ min: 1, max: 3000 }), (readings, minutes) => {
        const bucket = { fromNs: START_NS, toNs: START_NS + BigInt(minutes) * MINUTE_NS }
        const [piece] = heatPieces(heatIntervals(readings, METER), [bucket])
        const { coverage, energyKwh } = heatFigures([{ piece: piece!, meter: METER }], bucket)
        expect(coverage).toBeGreaterThanOrEqual(0)
        expect(coverage).toBeLessThanOrEqual(1)
        expect(energyKwh ?? 0).toBeGreaterThanOrEqual(0)
      }),
      parameters,
    )
  })
})

/** Hourly readings of at most 40 kWh, of which some single ones are wrong by far more. */
const faulty = fc
  .array(fc.integer({ min: 0, max: 40 }), { minLength: 8, maxLength: 60 })
  .chain((gains) =>
    fc.record({
      gains: fc.constant(gains),
      // Apart from one another and from the ends, so that what surrounds them is evidence.
      wrong: fc.subarray(
        [...gains.keys()].filter((at) => at >= 2 && at % 4 === 2 && at < gains.length - 3),
      ),
      wrongKwh: fc.constantFrom(-5000, 900, 20_000, 88_000),
    }),
  )

describe(`wrong readings of a register (SEED=${SEED})`, () => {
  it('change nothing, with settings and without, where the readings around them decide', () => {
    fc.assert(
      fc.property(faulty, ({ gains, wrong, wrongKwh }) => {
        let energyKwh = 10_000
        const readings = gains.map((gain, hour): RegisterReading => {
          energyKwh += gain
          const timeNs = START_NS + BigInt(hour) * 60n * MINUTE_NS
          const shown = energyKwh + (wrong.includes(hour) ? wrongKwh : 0)
          return { timeNs, energyKwh: shown, meterId: null, flags: [] }
        })
        const trueJ = joulesOfKwh(energyKwh - 10_000 - (gains[0] ?? 0))
        for (const meter of [{}, { maxPowerKw: 50 }, { maxPowerKw: 50, registerDigits: 7 }]) {
          const { intervals, findings } = heatIntervals(readings, meter)
          expect(intervals.reduce((sum, { energyJ }) => sum + (energyJ ?? 0n), 0n)).toBe(trueJ)
          expect(findings.map(({ flag }) => flag)).toEqual(wrong.map(() => 'implausible_jump'))
        }
      }),
      parameters,
    )
  })
})
