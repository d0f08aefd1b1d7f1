import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { startInfluxd } from '../../tests/support/influxd.ts'
import { product } from './product.ts'
import type { Subject } from './subject.ts'

export const ON_INFLUX = 'product on InfluxDB'

/** The platform with an InfluxDB 1.x of its own, authorization on, that nothing else writes to. */
export async function productOnInflux(dir: string): Promise<Subject> {
  const influxDir = join(dir, 'influxd')
  mkdirSync(influxDir)
  const influxd = await startInfluxd({ dir: influxDir })
  try {
    const env = {
      PADBORG_STORE: 'influx:',
      INFLUX_URL: influxd.url,
      INFLUX_DATABASE: 'bench',
      INFLUX_USERNAME: influxd.username,
      INFLUX_PASSWORD: influxd.password,
    }
    const subject = await product({ dir, env })
    return {
      ...subject,
      name: ON_INFLUX,
      pids: { ...subject.pids, influxd: influxd.pid },
      async stop() {
        await subject.stop()
        await influxd.stop()
      },
    }
  } catch (error) {
    await influxd.stop()
    throw error
  }
}
