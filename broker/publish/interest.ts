/** Counts the changes of subscriptions, so that subscribers are not looked up for each message. */
export interface Interest {
  epoch: number
  changed(): void
}

export function createInterest(): Interest {
  return {
    epoch: 1,
    changed() {
      this.epoch += 1
    },
  }
}
