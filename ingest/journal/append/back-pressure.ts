/** Below this share of the limit messages are taken again, so that it does not flutter at the limit. */
const RESUME_SHARE = 0.9

/** Whether publishers have to pause, and why: the disk fails, or the store lags behind the journal. */
export class BackPressure {
  readonly #lagBytes: number
  readonly #listeners: ((paused: boolean) => void)[] = []
  #failure = ''
  #lagging = false
  #paused = false

  constructor(lagBytes: number) {
    this.#lagBytes = lagBytes
  }

  get paused(): boolean {
    return this.#paused
  }

  /** For people; '' while messages are taken. */
  get problem(): string {
    if (this.#failure !== '') return this.#failure
    if (!this.#lagging) return ''
    return (
      `the store lags by more than ${this.#lagBytes} bytes of journal (PADBORG_JOURNAL_LAG_BYTES): ` +
      'the platform stops reading from publishers until it has caught up'
    )
  }

  onChange(listener: (paused: boolean) => void): void {
    this.#listeners.push(listener)
  }

  /** Why nothing can be written; '' when writing works. */
  setFailure(problem: string): void {
    this.#failure = problem
    this.#update()
  }

  /** Takes the bytes that are not in the store yet. */
  setUnconsumed(bytes: number): void {
    const isOver = bytes > this.#lagBytes * (this.#lagging ? RESUME_SHARE : 1)
    if (isOver === this.#lagging) return
    this.#lagging = isOver
    this.#update()
  }

  #update(): void {
    const now = this.#failure !== '' || this.#lagging
    if (now === this.#paused) return
    this.#paused = now
    for (const listener of this.#listeners) listener(now)
  }
}
