/** Whose turn it is: queues are shared by tenant, and among the keys of a tenant. */
export interface TurnOwner {
  readonly tenant: string
  readonly key: string
}

/** How many a tenant, a key and all together may have. */
export interface Shares {
  readonly ofKey: number
  readonly ofTenant: number
  readonly all: number
}

export interface FairQueueOptions {
  readonly running: Shares
  readonly waiting: Shares
  /** The error for one that may not wait. */
  readonly refuse: (whose: keyof Shares, limit: number) => Error
  /**
   * After this long one waits in vain while all that run are of one other tenant or key: the last of
   * them is asked to give way. Null: nobody is.
   */
  readonly giveWayAfterMs?: number | null
}

/** A right to run, until `leave` is called (again, it does nothing). */
export interface Turn {
  leave(): void
  /** Aborts when another tenant or key should have the turn; begin again with `gaveWay`. */
  readonly giveWay: AbortSignal
}

export interface TurnRequest {
  readonly signal?: AbortSignal | undefined
  /** It has given way before: it is never begun where it would have to do so again. */
  readonly gaveWay?: boolean
}

interface Ticket extends TurnOwner {
  readonly gaveWay: boolean
  readonly giveWay: AbortController
  admit(): void
  refuse(error: unknown): void
}

/** How much one tenant or key has, and when it was last served. */
interface Account {
  running: number
  waiting: number
  servedAt: number
}

/**
 * Lets a few run at once; the others wait and are served in turns: the tenant that runs least, then
 * the one served longest ago, and in it the same by key. A tenant with a hundred waiting does not
 * delay one with a single one. When the queue is full, the tenant with most of it gives up a place.
 */
export class FairQueue {
  readonly #options: FairQueueOptions
  readonly #running = new Set<Ticket>()
  /** In the order of arrival. */
  readonly #waiting = new Set<Ticket>()
  readonly #tenants = new Map<string, Account>()
  readonly #keys = new Map<string, Account>()
  #served = 0
  #closed: Error | null = null

  constructor(options: FairQueueOptions) {
    this.#options = options
  }

  get running(): number {
    return this.#running.size
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** Resolves when the turn has come. Rejects when it may not wait, or its signal aborts. */
  enter({ tenant, key }: TurnOwner, request: TurnRequest = {}): Promise<Turn> {
    const { signal, gaveWay = false } = request
    return new Promise((resolve, reject) => {
      const end = () => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', giveUp)
      }
      const ticket: Ticket = {
        tenant,
        key,
        gaveWay,
        giveWay: new AbortController(),
        admit: () => {
          end()
          resolve({ leave: () => this.#leave(ticket), giveWay: ticket.giveWay.signal })
        },
        refuse: (error) => {
          end()
          reject(error)
        },
      }
      const giveUp = () => {
        this.#remove(ticket)
        ticket.refuse(signal?.reason)
      }
      let timer: NodeJS.Timeout | undefined
      if (signal?.aborted) return reject(signal.reason)
      const refusal = this.#closed ?? this.#add(ticket)
      if (refusal) return reject(refusal)
      this.#serve()
      if (!this.#waiting.has(ticket)) return
      signal?.addEventListener('abort', giveUp, { once: true })
      const { giveWayAfterMs = null } = this.#options
      if (giveWayAfterMs !== null) timer = setTimeout(() => this.#askFor(ticket), giveWayAfterMs)
    })
  }

  /** Refuses all that wait and that come later; what runs may end. */
  close(error: Error): void {
    this.#closed = error
    for (const ticket of this.#waiting) {
      this.#remove(ticket)
      ticket.refuse(error)
    }
  }

  /** Null when the ticket waits now. */
  #add(ticket: Ticket): Error | null {
    const { waiting, refuse } = this.#options
    const accounts = this.#accountsOf(ticket)
    const mustWait = !this.#mayRun(ticket)
    if (mustWait && accounts.key.waiting >= waiting.ofKey) return refuse('ofKey', waiting.ofKey)
    if (mustWait && accounts.tenant.waiting >= waiting.ofTenant) {
      return refuse('ofTenant', waiting.ofTenant)
    }
    if (mustWait && this.#waiting.size >= waiting.all && !this.#makeRoom(accounts.tenant)) {
      return refuse('all', waiting.all)
    }
    this.#waiting.add(ticket)
    this.#change(ticket, 'waiting', 1)
    return null
  }

  /** The latest of the tenant that has most in the queue goes, for one that has less. */
  #makeRoom({ waiting }: Account): boolean {
    let largest: { readonly tenant: string; readonly waiting: number } | null = null
    for (const [tenant, account] of this.#tenants) {
      if (account.waiting > (largest?.waiting ?? 0)) largest = { tenant, waiting: account.waiting }
    }
    if (!largest || largest.waiting <= waiting + 1) return false
    const latest = [...this.#waiting].findLast(({ tenant }) => tenant === largest.tenant)
    if (!latest) return false
    this.#remove(latest)
    const { waiting: limits, refuse } = this.#options
    latest.refuse(refuse('all', limits.all))
    return true
  }

  #serve(): void {
    for (let next = this.#next(); next; next = this.#next()) {
      this.#remove(next)
      this.#running.add(next)
      this.#change(next, 'running', 1)
      this.#served += 1
      const { tenant, key } = this.#accountsOf(next)
      tenant.servedAt = this.#served
      key.servedAt = this.#served
      next.admit()
    }
  }

  #next(): Ticket | null {
    let best: Ticket | null = null
    for (const ticket of this.#waiting) {
      if (this.#mayRun(ticket) && (!best || this.#comesBefore(ticket, best))) best = ticket
    }
    return best
  }

  #comesBefore(one: Ticket, other: Ticket): boolean {
    const [a, b] = [this.#accountsOf(one), this.#accountsOf(other)]
    const order =
      a.tenant.running - b.tenant.running ||
      a.tenant.servedAt - b.tenant.servedAt ||
      a.key.running - b.key.running ||
      a.key.servedAt - b.key.servedAt
    return order < 0
  }

  #mayRun(ticket: Ticket): boolean {
    const { ofKey, ofTenant, all } = this.#options.running
    const { tenant, key } = this.#accountsOf(ticket)
    if (this.#running.size >= all || tenant.running >= ofTenant || key.running >= ofKey)
      return false
    // One that gave way leaves the last place to others.
    const takesTheLast = this.#running.size + 1 === all && all > 1
    return !ticket.gaveWay || !takesTheLast || tenant.running < this.#running.size
  }

  #askFor(waiting: Ticket): void {
    const { all } = this.#options.running
    const running = [...this.#running]
    if (all === 1 || running.length < all) return
    const [first] = running
    const areOfOne = (part: keyof TurnOwner) =>
      first !== undefined &&
      first[part] !== waiting[part] &&
      running.every((ticket) => ticket[part] === first[part])
    if (!areOfOne('tenant') && !areOfOne('key')) return
    if (running.some(({ giveWay }) => giveWay.signal.aborted)) return
    running.findLast(({ gaveWay }) => !gaveWay)?.giveWay.abort()
  }

  #leave(ticket: Ticket): void {
    if (!this.#running.delete(ticket)) return
    this.#change(ticket, 'running', -1)
    this.#serve()
    // While others wait, it counts when a tenant without anything here was served last.
    if (this.#running.size > 0) return
    this.#tenants.clear()
    this.#keys.clear()
  }

  #remove(ticket: Ticket): void {
    if (this.#waiting.delete(ticket)) this.#change(ticket, 'waiting', -1)
  }

  #accountsOf({ tenant, key }: TurnOwner): { readonly tenant: Account; readonly key: Account } {
    return { tenant: accountIn(this.#tenants, tenant), key: accountIn(this.#keys, key) }
  }

  #change(owner: TurnOwner, what: 'running' | 'waiting', by: number): void {
    const { tenant, key } = this.#accountsOf(owner)
    tenant[what] += by
    key[what] += by
  }
}

function accountIn(accounts: Map<string, Account>, name: string): Account {
  const known = accounts.get(name)
  if (known) return known
  const account = { running: 0, waiting: 0, servedAt: 0 }
  accounts.set(name, account)
  return account
}
