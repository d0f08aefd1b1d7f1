import { isPlatformError, messageOf } from '#lib/runtime/errors.ts'
import type { Log } from '#lib/runtime/log.ts'
import { SERIES } from './catalogue.ts'
import type { Context, Step } from './series.ts'
import { DAY_NS } from '#lib/telemetry/time-grid.ts'

export type KeepDays = Readonly<Record<Step, number>>

/**
 * Removes points past their retention: the database keeps everything as long as its longest class.
 * A server without DELETE (3.x) keeps what its own retention keeps.
 */
export async function expireSeries(
  keepDays: KeepDays,
  { query, clock }: Pick<Context, 'query' | 'clock'>,
  log: Log,
): Promise<void> {
  for (const { measurement, keep } of SERIES) {
    const days = BigInt(Math.ceil(keepDays[keep]))
    try {
      await query(`DELETE FROM "${measurement}" WHERE time < ${clock.nowNs() - days * DAY_NS}`)
    } catch (error) {
      if (!isPlatformError(error)) throw error
      log.warn(
        { measurement, words: messageOf(error) },
        'InfluxDB did not delete derived points past their retention; its own retention has to',
      )
      return
    }
  }
}
