/** One message as a simulated device sends it. */
export interface Outgoing {
  readonly topic: string
  readonly payload: string
  readonly retain?: boolean
}
