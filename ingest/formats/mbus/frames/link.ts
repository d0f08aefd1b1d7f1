import type { MbusAddress } from '../header.ts'

/** A telegram without its link layer. */
export interface Link {
  /** Null on a wire. */
  readonly address: MbusAddress | null
  /** From the CI field on. */
  readonly data: Uint8Array
}
