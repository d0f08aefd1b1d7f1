import { InFlightCount } from '#lib/telemetry/in-flight.ts'
import type { Intake } from '#lib/telemetry/intake.ts'
import type { BackPressure } from '../connections/back-pressure.ts'
import type { Connection } from '../connections/connection.ts'
import type { BrokerOptions } from '../options.ts'

type Limits = Pick<BrokerOptions, 'maxInFlight' | 'maxInFlightPerClient'>

/** Messages of one tenant in flight, and its connections that wait for room. */
interface TenantInFlight {
  count: number
  readonly waiting: Set<Connection>
}

/**
 * Limits how many messages are in flight: over all clients, for each client, and for each tenant. A
 * tenant may have as many as there is room left for others: half of all when it is alone, and less
 * the more tenants want some, so that nobody finds all of it taken.
 */
export class InFlight {
  readonly #all: InFlightCount
  readonly #backPressure: BackPressure
  readonly #limits: Limits
  readonly #tenants = new Map<string, TenantInFlight>()

  constructor(intake: Intake, backPressure: BackPressure, limits: Limits) {
    this.#all = new InFlightCount(intake)
    this.#backPressure = backPressure
    this.#limits = limits
  }

  get count(): number {
    return this.#all.count
  }

  /** Pauses the connection when no more of its messages can be taken now. */
  hasRoomFor(connection: Connection): boolean {
    const tenant = this.#of(connection)
    const room = this.#limits.maxInFlight - this.#all.count
    // Who has nothing in flight would never be resumed; one message of each tenant is no flood.
    const hasShare = tenant.count < room || tenant.count === 0
    if (hasShare && connection.inFlight < this.#limits.maxInFlightPerClient) return true
    if (!hasShare) tenant.waiting.add(connection)
    this.#backPressure.pause(connection, 'in_flight')
    return false
  }

  /** A will has no publisher: its connection is gone. */
  add(publisher: Connection | null): void {
    this.#all.add()
    if (!publisher) return
    publisher.inFlight += 1
    this.#of(publisher).count += 1
  }

  /** The message is durable, or never will be. */
  remove(publisher: Connection | null): void {
    this.#all.remove()
    if (!publisher) return
    const { maxInFlight, maxInFlightPerClient } = this.#limits
    const tenant = this.#of(publisher)
    publisher.inFlight -= 1
    tenant.count -= 1
    if (publisher.inFlight <= maxInFlightPerClient / 2 && !tenant.waiting.has(publisher)) {
      this.#backPressure.resume(publisher, 'in_flight')
    }
    if (tenant.count === 0 || tenant.count <= (maxInFlight - this.#all.count) / 2) {
      for (const connection of tenant.waiting) this.#backPressure.resume(connection, 'in_flight')
      tenant.waiting.clear()
    }
    if (tenant.count === 0) this.#tenants.delete(publisher.prefix)
  }

  drainedOrPaused(): Promise<void> {
    return this.#all.drainedOrPaused()
  }

  #of({ prefix }: Connection): TenantInFlight {
    const known = this.#tenants.get(prefix)
    if (known) return known
    const created = { count: 0, waiting: new Set<Connection>() }
    this.#tenants.set(prefix, created)
    return created
  }
}
