import { telemetryTopic } from '../simulators/actors/actor.ts'
import { nativePayload } from '../simulators/messages/native.ts'
import type { Outgoing } from '../simulators/messages/outgoing.ts'
import {
  electricityTelegram,
  heatTelegram,
  type MeterName,
} from '../simulators/messages/wmbusmeters.ts'
import { between, randomOf } from '../simulators/models/chance.ts'
import { stepEnergyMeter, type EnergyMeterState } from '../simulators/models/energy-meter.ts'
import {
  createHeatMeterStep,
  heatCoefficient,
  type HeatMeterState,
} from '../simulators/models/heat-meter.ts'
import type { HeatWorld } from './heat-world.ts'
import { HEAT_TENANT, type MeterSeed } from './testbed/heat.ts'

/** A meter at its place in the plant. */
export interface Meter {
  readonly device: string
  /** Adds what has flowed since the previous step. */
  count(atMs: number, dtMs: number): void
  /** The same; returns the telegram of the meter. */
  read(atMs: number, dtMs: number): Outgoing
  /** New electronics: every register begins at zero, the hours continue. */
  reset(): void
}

export interface MeterOptions {
  readonly seed: number
  readonly world: HeatWorld
  /** What the meter showed last, by the names of its kind; null for a new meter. */
  readonly shown: Readonly<Record<string, unknown>> | null
  /** Of the next native message; null for messages without a number. */
  readonly nextSeq: () => number | null
}

export function createMeter(meter: MeterSeed, options: MeterOptions): Meter {
  return meter.kind === 'heat_meter'
    ? createHeatMeter(meter, options)
    : createElectricityMeter(meter, options)
}

/** The foreign topic of a meter that is received through wmbusmeters. */
export function wmbusTopic({ id }: MeterSeed): string {
  return `wmbusmeters/${id}`
}

function createHeatMeter(meter: MeterSeed, options: MeterOptions): Meter {
  const { world, seed, nextSeq } = options
  const random = randomOf(seed, `meter ${meter.id}`)
  const step = createHeatMeterStep(meter.register)
  let state = continued(options.shown, firstState(meter, between(random, 4000, 9000)))

  const count = (atMs: number, dtMs: number) => {
    const next = step(state, world.at(atMs, meter), dtMs, random)
    state = next.state
    return next.output
  }

  return {
    device: `${HEAT_TENANT}.${meter.id}`,
    count,
    read(atMs, dtMs) {
      const output = count(atMs, dtMs)
      return meter.format === 'wmbusmeters'
        ? wmbusMessage(meter, (name) => heatTelegram(name, output, atMs))
        : nativeMessage(meter, { ...output, status: 'OK', medium: 'heat' }, atMs, nextSeq())
    },
    reset() {
      state = { ...state, energyKwh: 0, volumeM3: 0, e8M3c: 0, e9M3c: 0 }
    },
  }
}

function createElectricityMeter(meter: MeterSeed, options: MeterOptions): Meter {
  const { world, seed, nextSeq } = options
  const random = randomOf(seed, `meter ${meter.id}`)
  const drawnKwh = meter.maxPowerKw * between(random, 3900, 4100)
  let state: EnergyMeterState = { energyKwh: numberOf(options.shown, 'energyKwh') ?? drawnKwh }

  const count = (atMs: number, dtMs: number) => {
    const next = stepEnergyMeter(state, world.at(atMs, meter), dtMs, random)
    state = next.state
    return next.output
  }

  return {
    device: `${HEAT_TENANT}.${meter.id}`,
    count,
    read(atMs, dtMs) {
      const output = count(atMs, dtMs)
      return meter.format === 'wmbusmeters'
        ? wmbusMessage(meter, (name) => electricityTelegram(name, output, atMs))
        : nativeMessage(meter, { ...output, status: 'OK' }, atMs, nextSeq())
    },
    reset() {
      state = { energyKwh: 0 }
    },
  }
}

function wmbusMessage(meter: MeterSeed, telegram: (name: MeterName) => string): Outgoing {
  const { id: name, meterId } = meter
  return { topic: wmbusTopic(meter), payload: telegram({ name, meterId }) }
}

function nativeMessage(
  { id, kind }: MeterSeed,
  data: object,
  atMs: number,
  seq: number | null,
): Outgoing {
  const topic = telemetryTopic(`${HEAT_TENANT}.${id}`)
  return { topic, payload: nativePayload({ kind, atMs, seq, data }) }
}

/** The registers of a meter after so many hours at a third of its power. */
function firstState({ maxPowerKw, quantity }: MeterSeed, hoursH: number): HeatMeterState {
  const energyKwh = (maxPowerKw / 3) * hoursH
  const [flowC, returnC] = quantity.of === 'handoff' ? [44, 29] : [73, 40]
  const volumeM3 = energyKwh / ((flowC - returnC) * heatCoefficient(returnC))
  const e8M3c = volumeM3 * flowC
  return { energyKwh, volumeM3, e8M3c, e9M3c: volumeM3 * returnC, hoursH }
}

function continued(
  shown: Readonly<Record<string, unknown>> | null,
  first: HeatMeterState,
): HeatMeterState {
  return {
    energyKwh: numberOf(shown, 'energyKwh') ?? first.energyKwh,
    volumeM3: numberOf(shown, 'volumeM3') ?? first.volumeM3,
    e8M3c: numberOf(shown, 'e8M3c') ?? first.e8M3c,
    e9M3c: numberOf(shown, 'e9M3c') ?? first.e9M3c,
    hoursH: numberOf(shown, 'operatingHoursH') ?? first.hoursH,
  }
}

function numberOf(fields: Readonly<Record<string, unknown>> | null, name: string): number | null {
  const value = fields?.[name]
  return typeof value === 'number' ? value : null
}
