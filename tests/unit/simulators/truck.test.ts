import { describe, expect, it } from 'vitest'
import { createTruckActor } from '../../../simulators/actors/truck-actor.ts'
import { randomOf } from '../../../simulators/models/chance.ts'
import { nearestOn } from '../../../simulators/models/route.ts'
import { startTruck, stepTruck } from '../../../simulators/models/truck.ts'
import { COURSES } from '../../../seeds/testbed/roads.ts'
import { RADIO_MAP } from '../../../seeds/testbed/radio-map.ts'

const SEED = Number(process.env['SEED'] ?? 7)
const T0 = 1_795_550_000_000

describe(`the truck model (SEED=${SEED})`, () => {
  for (const [name, course] of Object.entries(COURSES)) {
    it(`stays on the road and within its limits on ${name}, and its counters never fall`, () => {
      const random = randomOf(SEED, name)
      let truck = startTruck({ course, setC: 4 }, random)
      let before = { odometerM: 0, engineHoursH: 0 }
      let fastestKmh = 0
      let stood = false
      for (let second = 0; second < 2 * 3600; second += 1) {
        const { state, output } = stepTruck(truck, { course, ambientC: 12 }, 1000, random)
        truck = state
        const { lat, lon, speedKmh, odometerM, engineHoursH, cargoTemp1C } = output
        expect(nearestOn(course.route, { lat: Number(lat), lon: Number(lon) }).offM).toBeLessThan(1)
        expect(Number(speedKmh)).toBeLessThanOrEqual(limitAt(course, truck.alongM) + 0.5)
        expect(Number(odometerM)).toBeGreaterThanOrEqual(before.odometerM)
        expect(Number(engineHoursH)).toBeGreaterThanOrEqual(before.engineHoursH)
        expect(Math.abs(Number(cargoTemp1C) - 4)).toBeLessThan(6)
        before = { odometerM: Number(odometerM), engineHoursH: Number(engineHoursH) }
        fastestKmh = Math.max(fastestKmh, Number(speedKmh))
        stood ||= output['driverState'] === 'REST'
      }
      expect(fastestKmh).toBeGreaterThan(35)
      expect(stood).toBe(true)
    })
  }

  it('drives the distance that its odometer counts', () => {
    const course = COURSES.e45
    const random = randomOf(SEED, 'distance')
    let truck = startTruck({ course, setC: null, alongM: 0, odometerM: 0 }, random)
    let drivenM = 0
    for (let second = 0; second < 2 * 3600; second += 1) {
      const { state } = stepTruck(truck, { course, ambientC: 12 }, 1000, random)
      drivenM += Math.abs(state.alongM - truck.alongM)
      truck = state
    }
    expect(drivenM).toBeGreaterThan(50_000)
    // A halt takes the last metre of the way to its stop.
    expect(Math.abs(truck.odometerM - drivenM)).toBeLessThan(10)
  })

  it('continues from where an earlier run stopped', () => {
    const start = { course: COURSES.e45, setC: null, odometerM: 710_412_330, alongM: 9000 }
    const truck = startTruck(start, randomOf(SEED, 'again'))
    expect(truck).toMatchObject({ odometerM: 710_412_330, alongM: 9000 })
  })

  it('sends the same bytes for the same seed, and others for another', () => {
    expect(bytesOf(SEED)).toEqual(bytesOf(SEED))
    expect(bytesOf(SEED)).not.toEqual(bytesOf(SEED + 1))
  })

  it('has no service and no radio values in the dead zone, and only there', () => {
    const device = 'acme.t1'
    const start = { course: COURSES.e45, setC: null, alongM: 0 }
    const random = randomOf(SEED, device)
    const actor = createTruckActor({ device, start, map: RADIO_MAP, random })
    let without = 0
    for (let second = 0; second < 2 * 3600; second += 1) {
      const { outgoing, delay } = actor.act(T0 + second * 1000, 1000)
      const { radio } = JSON.parse(outgoing[0]?.payload ?? '')
      expect(radio === undefined).toBe(delay === null)
      if (delay === null) without += 1
    }
    // At least once through 2.8 km at 80 km/h or less.
    expect(without).toBeGreaterThan(100)
  })
})

function limitAt(course: (typeof COURSES)['e45' | 'centre'], alongM: number): number {
  // At a border the driver may be on either side of it.
  return Math.max(
    ...[alongM - 25, alongM + 25].map(
      (atM) => course.limits.findLast(({ fromM }) => fromM <= Math.max(0, atM))?.speedKmh ?? 0,
    ),
  )
}

function bytesOf(seed: number): string[] {
  const device = 'acme.t1'
  const start = { course: COURSES.centre, setC: 4 }
  const random = randomOf(seed, device)
  const actor = createTruckActor({ device, start, map: RADIO_MAP, random })
  return Array.from({ length: 300 }, (_, at) => actor.act(T0 + at * 1000, 1000)).flatMap(
    ({ outgoing }) => outgoing.map(({ payload }) => payload),
  )
}
