import type { Log } from '#lib/runtime/log.ts'

/** Why a source brings nothing, for people: logged once, until it is another or the source works. */
export class SourceProblem {
  readonly #log: Log
  #text: string

  constructor(log: Log, first: string) {
    this.#log = log
    this.#text = first
  }

  /** '' when the source works. */
  get text(): string {
    return this.#text
  }

  /** `needsAction`: it stays until somebody changes something. */
  report(text: string, fields: Readonly<Record<string, unknown>>, needsAction: boolean): void {
    if (this.#text === text) return
    this.#text = text
    if (needsAction) this.#log.error(fields, text)
    else this.#log.warn(fields, text)
  }

  /** The source works, or begins to. */
  set(text: '' | `no messages yet: ${string}`): void {
    this.#text = text
  }
}
