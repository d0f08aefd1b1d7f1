/** Devices of the load, each with a connection of its own. */
export const FLEET_SIZE = 1000

/** A system under measurement: how to load it, its processes, what it has stored. */
export interface Subject {
  readonly name: string
  readonly pids: Readonly<Record<string, number>>
  /** Port of the API, where there is one. */
  readonly http?: number
  /** Arguments of the generator that belong to this subject. */
  readonly load: readonly string[]
  /** Rows that can be queried now. */
  rows(): Promise<number>
  /** Null where nothing is stored. */
  readonly probe: Probe | null
  stop(): Promise<void>
}

/** Publishes one message and sees when a query returns it. */
export interface Probe {
  readonly url: string
  readonly topic: string
  readonly username?: string
  readonly password?: string
  payload(seq: number): string
  isThere(seq: number): Promise<boolean>
}
