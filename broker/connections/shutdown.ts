import type { Intake } from '#lib/telemetry/intake.ts'
import type { Clients } from './clients.ts'
import type { MessagePath } from '../publish/publishes.ts'

/** How long sockets may take to send the last acknowledgements. */
const FAREWELL_MS = 1000
const CHECK_MS = 20

/**
 * Waits until what was handed over is durable. When the journal is held that may be never: those
 * messages stay unacknowledged, and their devices send them again.
 */
export function settledOrHeld(path: MessagePath, intake: Intake): Promise<void> {
  return new Promise((resolve) => {
    const check = () => {
      if (path.inFlight > 0 && !intake.held) return
      clearInterval(timer)
      resolve()
    }
    const timer = setInterval(check, CHECK_MS)
    void path.settled().then(check)
  })
}

/** Lets every socket send what it has, then ends it. */
export async function endAll(clients: Clients): Promise<void> {
  const ended = [...clients.all].map(
    ({ stream }) =>
      new Promise<void>((resolve) => {
        stream.once('close', resolve)
        stream.end(() => stream.destroy())
      }),
  )
  let timer: NodeJS.Timeout | null = null
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, FAREWELL_MS)
  })
  await Promise.race([Promise.all(ended), late])
  if (timer) clearTimeout(timer)
  for (const { stream } of clients.all) stream.destroy()
}
