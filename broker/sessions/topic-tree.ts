interface Level<T> {
  readonly levels: Map<string, Level<T>>
  value: T | undefined
}

/**
 * Values by topic, found by filter. A search looks only at the levels that can match, and can be
 * interrupted at each of them.
 */
export class TopicTree<T> {
  readonly #root = createLevel<T>()

  get(topic: string): T | undefined {
    return this.#levelOf(topic)?.value
  }

  set(topic: string, value: T): void {
    let level = this.#root
    for (const name of topic.split('/')) {
      const next = level.levels.get(name) ?? createLevel<T>()
      level.levels.set(name, next)
      level = next
    }
    level.value = value
  }

  delete(topic: string): void {
    this.#remove(this.#root, topic.split('/'), 0)
  }

  /** Values of all topics that begin with `start`, which ends with `/`. */
  *below(start: string): Generator<T> {
    const level = this.#levelOf(start.slice(0, -1))
    if (!level) return
    for (const one of level.levels.values()) {
      for (const value of all(one)) if (value !== null) yield value
    }
  }

  /**
   * The values whose topics match a filter ([MQTT-4.7.1-2], [MQTT-4.7.1-3]), and null for each level
   * that was looked at in vain. The tree may change between two steps. The first level of our topics
   * is the tenant, so [MQTT-4.7.2-1] holds for the second.
   */
  matching(filter: string): Generator<T | null> {
    return matching(this.#root, filter.split('/'), 0)
  }

  #levelOf(topic: string): Level<T> | undefined {
    let level: Level<T> | undefined = this.#root
    for (const name of topic.split('/')) level = level?.levels.get(name)
    return level
  }

  /** True when nothing is left of the level. */
  #remove(level: Level<T>, names: readonly string[], at: number): boolean {
    const name = names[at]
    if (name === undefined) level.value = undefined
    else {
      const next = level.levels.get(name)
      if (next && this.#remove(next, names, at + 1)) level.levels.delete(name)
    }
    return level.value === undefined && level.levels.size === 0
  }
}

function createLevel<T>(): Level<T> {
  return { levels: new Map(), value: undefined }
}

function* matching<T>(level: Level<T>, filter: readonly string[], at: number): Generator<T | null> {
  const wanted = filter[at]
  if (wanted === undefined) {
    yield level.value ?? null
    return
  }
  yield null
  if (wanted === '#') {
    // It matches the level above it as well.
    yield level.value ?? null
    for (const [name, next] of level.levels) if (mayBeWild(name, at)) yield* all(next)
  } else if (wanted === '+') {
    for (const [name, next] of level.levels) {
      if (mayBeWild(name, at)) yield* matching(next, filter, at + 1)
    }
  } else {
    const next = level.levels.get(wanted)
    if (next) yield* matching(next, filter, at + 1)
  }
}

function mayBeWild(name: string, at: number): boolean {
  return at > 1 || !name.startsWith('$')
}

function* all<T>(level: Level<T>): Generator<T | null> {
  yield level.value ?? null
  for (const next of level.levels.values()) yield* all(next)
}
