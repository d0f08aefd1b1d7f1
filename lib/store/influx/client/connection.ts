/** What has to be done before anything else, once; again after it was told to forget. */
export interface Connection {
  ensure(): Promise<void>
  forget(): void
}

export function createConnection(prepareIt: () => Promise<void>): Connection {
  let ready: Promise<void> | null = null
  return {
    async ensure() {
      const mine = (ready ??= prepareIt())
      try {
        await mine
      } catch (error) {
        if (ready === mine) ready = null
        throw error
      }
    },
    forget() {
      ready = null
    },
  }
}
