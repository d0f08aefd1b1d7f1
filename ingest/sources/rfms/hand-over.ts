import type { Clock } from '#lib/runtime/clock.ts'
import type { Intake } from '#lib/telemetry/intake.ts'
import { nativeTopic } from '#lib/telemetry/topics.ts'
import type { Status } from './page.ts'
import type { RfmsServer } from './servers-file.ts'
import type { Vehicles } from './vehicles.ts'

/** Hands statuses to the intake, a bounded number at once. */
export interface HandOver {
  /** True when all are durable; false when the intake or this is closing. */
  take(statuses: readonly Status[]): Promise<boolean>
  /** Nothing is handed over any more. */
  close(): void
  readonly taken: number
  readonly unregistered: number
  readonly inFlight: number
}

interface Deps {
  readonly intake: Intake
  readonly vehicles: Vehicles
  readonly clock: Clock
}

const CHANNEL = 'rfms'

export function createHandOver(
  { intake, vehicles, clock }: Deps,
  { name, unregistered: manner }: Pick<RfmsServer, 'name' | 'unregistered'>,
  maxInFlight: number,
): HandOver {
  let taken = 0
  let unregistered = 0
  let inFlight = 0
  let isClosed = false
  /** Whoever waits for the intake: there is one round at a time. */
  let wake = () => {}
  intake.onHeldChange((held) => {
    if (!held) wake()
  })

  return {
    async take(statuses) {
      let isDurable = true
      const done = (error: Error | null) => {
        inFlight -= 1
        if (error) isDurable = false
        else taken += 1
        wake()
      }
      for (const status of statuses) {
        await until(() => !intake.held && inFlight < maxInFlight)
        if (isClosed || !isDurable) return false
        hand(status, done)
      }
      await until(() => inFlight === 0)
      return isDurable && inFlight === 0
    },
    close() {
      isClosed = true
      wake()
    },
    get taken() {
      return taken
    },
    get unregistered() {
      return unregistered
    },
    get inFlight() {
      return inFlight
    },
  }

  async function until(condition: () => boolean): Promise<void> {
    while (!condition() && !isClosed) {
      await new Promise<void>((resolve) => (wake = resolve))
    }
  }

  function hand({ vin, given }: Status, done: (error: Error | null) => void): void {
    const device = vehicles.deviceOf(vin)
    if (device === null) unregistered += 1
    if (device === null && manner === 'skip') return
    inFlight += 1
    intake.accept(
      {
        // Of nobody it becomes a rejection, which shows people what is not registered.
        device: device ?? '',
        topic: device === null ? `${CHANNEL}/${name}` : nativeTopic(device, CHANNEL),
        payload: Buffer.from(JSON.stringify(given)),
        qos: 1,
        retain: false,
        dup: false,
        will: false,
        receivedAtNs: clock.nowNs(),
        receivedMonoNs: clock.monoNs(),
        origin: null,
      },
      done,
    )
  }
}
