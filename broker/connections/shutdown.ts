import type { Intake } from '#lib/telemetry/intake.ts'
import type { InFlight } from '../publish/in-flight.ts'
import type { Connections } from './connections.ts'

/** How long sockets may take to send the last acknowledgements. */
const FLUSH_MS = 1000
const CHECK_MS = 20

/**
 * Waits until everything that was handed over is durable. While the journal takes nothing that may be
 * never: those messages stay unacknowledged, and their devices send them again.
 */
export function drainedOrHeld(inFlight: InFlight, intake: Intake): Promise<void> {
  return new Promise((resolve) => {
    const check = () => {
      if (inFlight.total > 0 && !intake.held) return
      clearInterval(timer)
      resolve()
    }
    const timer = setInterval(check, CHECK_MS)
    void inFlight.drained().then(check)
  })
}

/** Lets every socket send what it has, then ends it. */
export async function endAll(connections: Connections): Promise<void> {
  const ended = [...connections.all].map(
    ({ stream }) =>
      new Promise<void>((resolve) => {
        stream.once('close', resolve)
        stream.end(() => stream.destroy())
      }),
  )
  let timer: NodeJS.Timeout | null = null
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, FLUSH_MS)
  })
  await Promise.race([Promise.all(ended), late])
  if (timer) clearTimeout(timer)
  for (const { stream } of connections.all) stream.destroy()
}
