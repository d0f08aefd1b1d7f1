import { describe, expect, it } from 'vitest'
import { kwhOfJoules } from '#lib/kpi/heat/energy-unit.ts'
import { heatIntervals } from '#lib/kpi/heat/heat-intervals.ts'
import type { RegisterMeter } from '#lib/kpi/heat/register-meter.ts'
import type { RegisterReading } from '#lib/kpi/heat/register-moments.ts'

const HOUR_NS = 3_600_000_000_000n
/** 10 kW: at most 12 kWh, and a step of 1 kWh, in an hour. */
const METER: RegisterMeter = { maxPowerKw: 10, registerDigits: 7, energyUnit: 'kWh' }

/** A reading `hour` hours after the start. */
function at(hour: number, energyKwh: number, more: Partial<RegisterReading> = {}): RegisterReading {
  const timeNs = 1_700_000_000_000_000_000n + BigInt(Math.round(hour * 3600)) * 1_000_000_000n
  return { timeNs, energyKwh, meterId: null, flags: [], ...more }
}

/** `[hours, energy, kind, reason]` of each interval. */
function intervalsOf(readings: readonly RegisterReading[], meter = METER) {
  return heatIntervals(readings, meter).intervals.map(({ fromNs, toNs, energyJ, kind, reason }) => [
    Number(toNs - fromNs) / Number(HOUR_NS),
    energyJ === null ? null : kwhOfJoules(energyJ),
    kind,
    reason,
  ])
}

const findings = (readings: readonly RegisterReading[], meter = METER) =>
  heatIntervals(readings, meter).findings.map(({ energyKwh, flag, isUsed }) => [
    energyKwh,
    flag,
    isUsed,
  ])

describe('heat from a register', () => {
  it('is the difference of consecutive readings, whatever their order and copies', () => {
    const readings = [at(2, 109), at(0, 100), at(1, 104), at(1, 104), at(0, 100)]
    expect(intervalsOf(readings)).toEqual([
      [1, 4, 'measured', null],
      [1, 5, 'measured', null],
    ])
    expect(findings(readings)).toEqual([])
  })

  it('is known as a whole over a gap, and marked as bridged', () => {
    expect(intervalsOf([at(0, 100), at(1, 104), at(9, 140), at(10, 145)])).toEqual([
      [1, 4, 'measured', null],
      [8, 36, 'bridged', 'gap'],
      [1, 5, 'measured', null],
    ])
  })

  it('is none of one reading or of none', () => {
    expect(intervalsOf([at(0, 100)])).toEqual([])
    expect(intervalsOf([])).toEqual([])
  })

  it('counts a register in GJ to the joule', () => {
    const meter: RegisterMeter = { maxPowerKw: 500, energyUnit: 'GJ', registerStep: 0.01 }
    const readings = [161.72, 161.73, 162.01].map((gj, hour) => at(hour, gj / 0.0036))
    expect(heatIntervals(readings, meter).intervals.map(({ energyJ }) => energyJ)).toEqual([
      10_000_000n,
      280_000_000n,
    ])
  })
})

describe('a falling register', () => {
  it('is a reset: it adds no energy, and counting continues from the new level', () => {
    expect(intervalsOf([at(0, 5000), at(1, 5004), at(2, 3), at(3, 8)])).toEqual([
      [1, 4, 'measured', null],
      [1, null, 'missing', 'register_reset'],
      [1, 5, 'measured', null],
    ])
  })

  it('is a rollover where the way over the last digit is possible', () => {
    expect(intervalsOf([at(0, 9_999_995), at(1, 9_999_998), at(2, 4), at(3, 9)])).toEqual([
      [1, 3, 'measured', null],
      [1, 6, 'measured', 'rollover'],
      [1, 5, 'measured', null],
    ])
  })

  it('takes the digits in the unit of the register', () => {
    const meter: RegisterMeter = { maxPowerKw: 2000, registerDigits: 5, energyUnit: 'MWh' }
    expect(intervalsOf([at(0, 99_999_500), at(1, 800)], meter)).toEqual([
      [1, 1300, 'measured', 'rollover'],
    ])
  })

  it('is a reset where the way over the last digit would take more than the power allows', () => {
    expect(intervalsOf([at(0, 9_999_900), at(1, 4)])).toEqual([
      [1, null, 'missing', 'register_reset'],
    ])
  })

  it('is a reset where power or digits are not known', () => {
    const readings = [at(0, 9_999_998), at(1, 4)]
    for (const meter of [{ registerDigits: 7 }, { maxPowerKw: 10 }]) {
      expect(intervalsOf(readings, meter)).toEqual([[1, null, 'missing', 'register_reset']])
    }
  })

  it('that returns with the next reading was one wrong reading', () => {
    const readings = [at(0, 5000), at(0.5, 7), at(1, 5004)]
    expect(intervalsOf(readings)).toEqual([[1, 4, 'measured', null]])
    expect(findings(readings)).toEqual([[7, 'implausible_jump', false]])
  })

  it('that comes back after two wrong readings was none either', () => {
    const readings = [at(0, 5000), at(0.3, 0), at(0.6, 3), at(1, 5004), at(2, 5006)]
    for (const meter of [METER, {}]) {
      expect(intervalsOf(readings, meter).map(([, energy]) => energy)).toEqual([4, 2])
    }
  })

  it('by less than a step is rounding and counts nothing twice', () => {
    const readings = [at(0, 100), at(1, 103), at(2, 102.9999), at(3, 104)]
    expect(intervalsOf(readings).map(([, energy]) => energy)).toEqual([3, 0, 1])
  })

  it('is left out where the time is that of the reception', () => {
    const readings = [at(0, 100), at(1, 104), at(1.5, 60, { flags: ['clock_invalid'] }), at(2, 108)]
    expect(intervalsOf(readings).map(([, energy]) => energy)).toEqual([4, 4])
    expect(findings(readings)).toEqual([[60, 'clock_invalid', false]])
  })
})

describe('a rise that is taken back', () => {
  const spiked = [1000, 1001, 1002, 90_000, 1004, 1005].map((energyKwh, hour) =>
    at(hour, energyKwh),
  )

  it.each([
    ['without a setting', {}],
    ['with a power', { maxPowerKw: 50 }],
    ['with a power that allows it', { maxPowerKw: 100_000 }],
  ])('is left out and named, %s', (_name, meter) => {
    expect(intervalsOf(spiked, meter)).toEqual([
      [1, 1, 'measured', null],
      [1, 1, 'measured', null],
      [2, 2, 'bridged', 'implausible_jump'],
      [1, 1, 'measured', null],
    ])
    expect(findings(spiked, meter)).toEqual([[90_000, 'implausible_jump', false]])
  })

  it('is left out although it lasts for two readings, or the readings end', () => {
    const twice = [1000, 90_000, 90_001, 1003].map((energyKwh, hour) => at(hour, energyKwh))
    expect(intervalsOf(twice, {})).toEqual([[3, 3, 'bridged', 'implausible_jump']])
    const ending = [1000, 1001, 90_000, 1003].map((energyKwh, hour) => at(hour, energyKwh))
    expect(intervalsOf(ending, {}).map(([, energy]) => energy)).toEqual([1, 2])
  })

  it('stays where the register comes back to it, for then the fall was wrong', () => {
    const readings = [1000, 1500, 1001, 1501].map((energyKwh, hour) => at(hour, energyKwh))
    expect(intervalsOf(readings, {}).map(([, energy]) => energy)).toEqual([500, 1])
    expect(findings(readings, {})).toEqual([[1001, 'implausible_jump', false]])
  })
})

describe('a jump', () => {
  it('is left out and flagged, and the next plausible reading closes the interval', () => {
    const readings = [at(0, 100), at(1, 104), at(2, 9000), at(3, 113), at(4, 117)]
    expect(intervalsOf(readings)).toEqual([
      [1, 4, 'measured', null],
      [2, 9, 'bridged', 'implausible_jump'],
      [1, 4, 'measured', null],
    ])
    expect(findings(readings)).toEqual([[9000, 'implausible_jump', false]])
  })

  it('is judged by power, time and one step of the register', () => {
    expect(intervalsOf([at(0, 100), at(1, 113)])).toEqual([[1, 13, 'measured', null]])
    expect(intervalsOf([at(0, 100), at(1, 113.1)])).toEqual([])
    // A register of 1 MWh takes its step within any minute.
    const coarse: RegisterMeter = { maxPowerKw: 900, energyUnit: 'MWh', registerStep: 1 }
    expect(intervalsOf([at(0, 5000), at(0.02, 6000)], coarse)).toEqual([
      [0.02, 1000, 'measured', null],
    ])
  })

  it('to a lasting new level never becomes heat', () => {
    const jumped = [...Array(500).keys()].map((hour) => at(2 + hour, 2000 + hour))
    const intervals = intervalsOf([at(0, 100), at(1, 104), ...jumped])
    expect(intervals[1]).toEqual([1, null, 'missing', 'implausible_jump'])
    expect(intervals.reduce((sum, [, energy]) => sum + Number(energy ?? 0), 0)).toBe(4 + 499)
  })

  it('at the end leaves the time after the last good reading open', () => {
    expect(intervalsOf([at(0, 100), at(1, 104), at(2, 9000)])).toEqual([[1, 4, 'measured', null]])
  })
})

describe('an exchange of the meter', () => {
  const [old, fresh] = [{ meterId: '66290778' }, { meterId: '77001122' }]

  it('leaves a gap without energy; each meter counts its own', () => {
    const readings = [at(0, 800, old), at(1, 804, old), at(5, 2, fresh), at(6, 6, fresh)]
    expect(intervalsOf(readings)).toEqual([
      [1, 4, 'measured', null],
      [4, null, 'missing', 'meter_changed'],
      [1, 4, 'measured', null],
    ])
  })

  it('makes no energy where the register of the new meter is higher', () => {
    expect(intervalsOf([at(0, 800, old), at(1, 805, fresh)])).toEqual([
      [1, null, 'missing', 'meter_changed'],
    ])
  })

  it('leaves no gap where end and start were entered for one moment, in either order', () => {
    for (const [first, second] of [
      [old, fresh],
      [fresh, old],
    ] as const) {
      const readings = [at(0, 800, first), at(1, 804, first), at(1, 0, second), at(2, 3, second)]
      expect(intervalsOf(readings)).toEqual([
        [1, 4, 'measured', null],
        [0, null, 'missing', 'meter_changed'],
        [1, 3, 'measured', null],
      ])
    }
  })

  it('is seen in operating hours that fall, where no id tells of it', () => {
    const readings = [
      at(0, 800, { operatingHoursH: 20_000 }),
      at(1, 804, { operatingHoursH: 3 }),
      at(2, 808, { operatingHoursH: 4 }),
    ]
    expect(intervalsOf(readings)).toEqual([
      [1, null, 'missing', 'meter_changed'],
      [1, 4, 'measured', null],
    ])
  })

  it('is not taken from readings that do not name their meter', () => {
    const readings = [at(0, 800, old), at(1, 804), at(2, 808, old), at(3, 1, fresh)]
    expect(intervalsOf(readings).map(([, energy]) => energy)).toEqual([4, 4, null])
    // The unnamed reading is of the old meter, so that the new one still comes after it.
    const between = [at(0, 800, old), at(1, 804), at(2, 808, fresh)]
    expect(intervalsOf(between).map(([, energy]) => energy)).toEqual([4, null])
  })
})

describe('a meter that reports an error', () => {
  it.each([{ flags: ['sensor_error'] as const }, { status: 'SENSOR_T1_BELOW_MEASURING_RANGE' }])(
    'with %j and a register that does not move did not measure zero',
    (error) => {
      const readings = [at(0, 100), at(1, 104), at(2, 104, error), at(3, 104, error), at(4, 110)]
      expect(intervalsOf(readings)).toEqual([
        [1, 4, 'measured', null],
        [1, null, 'excluded', 'sensor_error'],
        [1, null, 'excluded', 'sensor_error'],
        [1, 6, 'bridged', 'sensor_error'],
      ])
    },
  )

  it('measures on with a low battery, though a register that does not move proves nothing', () => {
    const low = { flags: ['sensor_error'] as const, status: 'LOW_BATTERY' }
    expect(intervalsOf([at(0, 100, low), at(1, 104, low), at(2, 104, low)])).toEqual([
      [1, 4, 'measured', null],
      [1, null, 'excluded', 'sensor_error'],
    ])
  })

  it('needs an error code: OK and an empty code are not errors', () => {
    const readings = [at(0, 100, { status: 'OK' }), at(1, 100, { status: '' }), at(2, 100)]
    expect(intervalsOf(readings).map(([, energy, kind]) => [energy, kind])).toEqual([
      [0, 'measured'],
      [0, 'measured'],
    ])
  })
})

describe('readings that cannot be', () => {
  it('without a usable register are left out and named', () => {
    const readings = [at(0, 100), at(1, -910.2), at(1, NaN), at(1, NaN), at(1.2, 104)]
    expect(intervalsOf(readings)).toEqual([[1.2, 4, 'measured', null]])
    const flags = findings(readings).map(([, flag]) => flag)
    expect(flags).toEqual(['out_of_range', 'out_of_range'])
  })

  it('that came twice with other flags give the same in either order', () => {
    const error = at(1, 100, { flags: ['sensor_error'] })
    const late = at(1, 90, { flags: ['clock_invalid'] })
    for (const copies of [
      [error, at(1, 100)],
      [at(1, 100), error],
    ]) {
      expect(intervalsOf([at(0, 100), ...copies])).toEqual([[1, null, 'excluded', 'sensor_error']])
    }
    for (const copies of [
      [late, at(1, 90)],
      [at(1, 90), late],
    ]) {
      // One of the two has a time of its own: the register was at 90 then.
      expect(intervalsOf([at(0, 100), ...copies])).toEqual([[1, null, 'missing', 'register_reset']])
    }
  })

  it('of one time with other registers count once', () => {
    const readings = [at(0, 100), at(1, 104), at(1, 105), at(2, 108)]
    expect(intervalsOf(readings).map(([, energy]) => energy)).toEqual([4, 4])
    expect(findings(readings)).toEqual([[105, 'duplicate_time', false]])
    // The one that does not fit is the wrong one, though it is the smaller.
    const low = [at(0, 100), at(1, 104), at(1, 5), at(2, 108)]
    expect(intervalsOf(low).map(([, energy]) => energy)).toEqual([4, 4])
    expect(findings(low)).toEqual([[5, 'duplicate_time', false]])
  })
})
