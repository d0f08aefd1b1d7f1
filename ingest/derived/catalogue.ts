import { deliveryMinute } from './delivery-minute.ts'
import { deviceInfo } from './device-info.ts'
import { deviceSilence } from './device-silence.ts'
import { heatHourly } from './heat-hourly.ts'
import { latencyMinute } from './latency-minute.ts'
import { pipeline } from './pipeline.ts'
import type { DerivedSeries } from './series.ts'

/** Every derived series. A new one is a file beside this one and a line here (docs/influxdb.md). */
export const SERIES: readonly DerivedSeries[] = [
  latencyMinute,
  deliveryMinute,
  heatHourly,
  pipeline,
  deviceSilence,
  deviceInfo,
]
