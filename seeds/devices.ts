import type { NewDevice } from '../simulators/run/registrar.ts'
import { wmbusTopic } from './meter.ts'
import { HEAT_TENANT, METERS, type MeterSeed } from './testbed/heat.ts'
import { PROBES, PROBE_TENANT } from './testbed/probes.ts'
import { HALLS, MANUFACTURER, ROBOT_TENANT, type HallSeed } from './testbed/robots.ts'
import { TRUCKS } from './testbed/trucks.ts'
import { WEATHER_STATIONS } from './testbed/weather.ts'

/** In total; `registerDigits` are those before the decimal sign. */
const DISPLAY_DIGITS = 9

export interface RobotSeed {
  readonly id: string
  /** Topic levels in front of `state`. */
  readonly prefix: string
  readonly serialNumber: string
  readonly place: HallSeed
}

export const ROBOTS: readonly RobotSeed[] = HALLS.flatMap((place) =>
  Array.from({ length: place.robots }, (_, at) => {
    const number = String(at + 1).padStart(2, '0')
    const id = `${place.hall.mapId.replace('hall-', 'robot-')}-${number}`
    const serialNumber = id.toUpperCase()
    return { id, serialNumber, prefix: `uagv/v2/${MANUFACTURER}/${serialNumber}`, place }
  }),
)

/** Every device of the testbed as it is registered. */
export const DEVICES: readonly NewDevice[] = [
  ...TRUCKS.map(({ tenant, id, course, setC }) => ({
    tenant,
    id,
    kind: 'truck',
    site: 'transport-centre-east',
    settings: { labels: { course, ...(setC === null ? {} : { cargoSetC: setC }) } },
  })),
  ...ROBOTS.map(({ id, prefix, place }) => ({
    tenant: ROBOT_TENANT,
    id,
    kind: 'robot',
    format: 'vda5050',
    topics: [`${prefix}/#`],
    site: place.site,
  })),
  ...PROBES.map(({ id, kind, site }) => ({ tenant: PROBE_TENANT, id, kind, site })),
  ...METERS.map(meterDevice),
  ...WEATHER_STATIONS.map((station) => ({ ...station, kind: 'weather' })),
]

function meterDevice(meter: MeterSeed): NewDevice {
  const { id, kind, format, site, register, maxPowerKw, meterId } = meter
  const { town, municipality, heatNetwork, plant, quantity } = meter
  const decimals = Math.round(-Math.log10(register.step))
  const role = quantity.of === 'town' ? 'delivered' : quantity.of
  return {
    tenant: HEAT_TENANT,
    id,
    kind,
    format,
    site,
    ...(format === 'wmbusmeters' ? { topics: [wmbusTopic(meter)] } : {}),
    settings: {
      role,
      dataCentre: plant,
      municipality,
      ...(town === null ? {} : { town }),
      ...(heatNetwork === null ? {} : { heatNetwork }),
      meterId,
      maxPowerKw,
      energyUnit: register.unit,
      registerStep: register.step,
      registerDigits: DISPLAY_DIGITS - decimals,
      ...(kind === 'heat_meter' ? { flowSensor: 'return', accuracyClass: 2, dTMinK: 3 } : {}),
      timezone: 'Europe/Copenhagen',
    },
  }
}
