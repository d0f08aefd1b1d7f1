import { downToStep } from '../models/chance.ts'
import { numbers, type TraceFormat } from './trace-format.ts'

/** Hourly registers of a Danish district-heating meter, as the meter itself would show them. */
export const heatMeterHours: TraceFormat = {
  name: 'heat-meter',
  columns: ['time_rounded', 'energy_heat_kwh', 'volume_flow_m3'],
  kind: 'heat_meter',
  settings: { energyUnit: 'kWh', flowSensor: 'flow', maxPowerKw: 60 },
  read: (rows) =>
    rows.map((row) => ({
      atMs: Temporal.Instant.from(row['time_rounded'] ?? '').epochMilliseconds,
      data: {
        // The file is interpolated to full hours; a meter counts whole kWh and 0.01 m3.
        energyKwh: downToStep(Number(row['energy_heat_kwh']), 1),
        volumeM3: downToStep(Number(row['volume_flow_m3']), 0.01),
        ...numbers({ e8M3c: row['inlet_flow_energy_m3xC'], e9M3c: row['back_flow_energy_m3xC'] }),
      },
    })),
}
