/** What has to be done before anything else, once; again after `forget()`. */
export class Preparation {
  readonly #prepare: () => Promise<void>
  #ready: Promise<void> | null = null

  constructor(prepare: () => Promise<void>) {
    this.#prepare = prepare
  }

  async ensure(): Promise<void> {
    const mine = (this.#ready ??= this.#prepare())
    try {
      await mine
    } catch (error) {
      if (this.#ready === mine) this.#ready = null
      throw error
    }
  }

  forget(): void {
    this.#ready = null
  }
}
