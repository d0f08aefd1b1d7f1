import { delivery } from './boards/delivery.ts'
import { device } from './boards/device.ts'
import { heat } from './boards/heat.ts'
import { latencyRadio } from './boards/latency-radio.ts'
import { overview } from './boards/overview.ts'
import { pipeline } from './boards/pipeline.ts'
import type { Board } from './files/board-json.ts'

/** Every board. A new one is a file in `boards/` and a line here, then `npm run generate`. */
export const BOARDS: readonly Board[] = [overview, latencyRadio, delivery, heat, device, pipeline]
