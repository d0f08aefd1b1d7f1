import type { FullId } from '#lib/telemetry/ids.ts'
import type { ClientCertificate, ClockSample } from '#lib/telemetry/intake.ts'

/** What was noticed of devices beside their messages; plain values for the worker. */
export interface Notes {
  readonly commands: readonly (readonly [FullId, number])[]
  readonly clocks: readonly (readonly [FullId, ClockSample])[]
  readonly certificates: readonly (readonly [FullId, ClientCertificate | null])[]
}

/** Collects notes until they are handed over. */
export class DeviceNotes {
  #commands = new Map<FullId, number>()
  #clocks: [FullId, ClockSample][] = []
  #certificates = new Map<FullId, ClientCertificate | null>()

  get isEmpty(): boolean {
    return this.#commands.size + this.#clocks.length + this.#certificates.size === 0
  }

  addClock(device: FullId, sample: ClockSample): void {
    this.#clocks.push([device, sample])
  }

  addCommand(device: FullId): void {
    this.#commands.set(device, (this.#commands.get(device) ?? 0) + 1)
  }

  setCertificate(device: FullId, certificate: ClientCertificate | null): void {
    this.#certificates.set(device, certificate)
  }

  take(): Notes {
    const notes = {
      commands: [...this.#commands],
      clocks: this.#clocks,
      certificates: [...this.#certificates],
    }
    this.#commands = new Map()
    this.#clocks = []
    this.#certificates = new Map()
    return notes
  }
}
