/** Whether publishers have to wait, and why: the disk fails, or the writer of the store lags. */
export interface Hold {
  readonly held: boolean
  readonly problem: string
  onChange(listener: (held: boolean) => void): void
  /** Why nothing can be written; '' when writing works. */
  setFailing(problem: string): void
  /** Takes the bytes that the store has not taken yet. */
  setUnconsumed(bytes: number): void
}

/** Below this share of the limit it takes again, so that it does not flutter at the limit. */
const RESUME_SHARE = 0.9

export function createHold(lagBytes: number): Hold {
  const listeners: ((held: boolean) => void)[] = []
  let failing = ''
  let lagging = false
  let held = false

  return {
    get held() {
      return held
    },
    get problem() {
      if (failing !== '') return failing
      if (!lagging) return ''
      return (
        `the store lags by more than ${lagBytes} bytes of journal (PADBORG_JOURNAL_LAG_BYTES): ` +
        'publishers are not read from until it has caught up'
      )
    },
    onChange(listener) {
      listeners.push(listener)
    },
    setFailing(problem) {
      failing = problem
      update()
    },
    setUnconsumed(bytes) {
      if (lagging ? bytes < RESUME_SHARE * lagBytes : bytes > lagBytes) {
        lagging = !lagging
        update()
      }
    },
  }

  function update(): void {
    const now = failing !== '' || lagging
    if (now === held) return
    held = now
    for (const listener of listeners) listener(now)
  }
}
