import type { Kind } from './catalogue.ts'
import type { Settings } from './setting.ts'

/** What the registry must know of a payload convention; the format itself extends it. */
export interface FormatDeclaration {
  readonly name: string
  readonly description: string
  /** The kinds it can read; left out: all. */
  readonly kinds?: readonly Kind[]
  /** A gateway may send it: each message names its device. */
  readonly fromGateway?: boolean
  readonly settings?: Settings
  /** Secrets it reads. */
  readonly secrets?: readonly string[]
  /** The setting by which a message finds its device; a topic that holds such a value will do too. */
  readonly identity?: string
}
