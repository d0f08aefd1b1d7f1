/**
 * The registered filters of one tenant as a tree of levels: who owns a topic, and whether a new filter
 * overlaps with a registered one. `+` and `#` are levels like any other in the tree. Filters of two
 * owners never overlap (the registry ensures it) and never begin with `$`; nor may an argument.
 */
export interface TopicIndex<T> {
  add(filter: string, owner: T): void
  remove(filter: string): void
  /** The owner of the filter that matches the topic. */
  ownerOf(topic: string): T | null
  /** A registered filter that shares a topic with this one. */
  overlapping(filter: string): Entry<T> | null
  /** Whether one registered filter matches every topic that this filter matches. */
  covers(filter: string): boolean
}

export interface Entry<T> {
  readonly filter: string
  readonly owner: T
}

interface Node<T> {
  readonly below: Map<string, Node<T>>
  entry: Entry<T> | null
}

export function createTopicIndex<T>(): TopicIndex<T> {
  const root = createNode<T>()

  return {
    add(filter, owner) {
      let node = root
      for (const level of filter.split('/')) {
        const next = node.below.get(level) ?? createNode<T>()
        node.below.set(level, next)
        node = next
      }
      node.entry = { filter, owner }
    },
    remove: (filter) => void prune(root, filter.split('/'), 0),
    ownerOf: (topic) => findMatch(root, topic.split('/'), 0)?.owner ?? null,
    overlapping: (filter) => findOverlap(root, filter.split('/'), 0),
    covers: (filter) => isCovered(root, filter.split('/'), 0),
  }
}

function createNode<T>(): Node<T> {
  return { below: new Map(), entry: null }
}

/** Removes the filter below the node. Returns whether the node itself is now empty. */
function prune<T>(node: Node<T>, levels: readonly string[], at: number): boolean {
  const level = levels[at]
  if (level === undefined) node.entry = null
  else {
    const next = node.below.get(level)
    if (next && prune(next, levels, at + 1)) node.below.delete(level)
  }
  return node.entry === null && node.below.size === 0
}

function findMatch<T>(node: Node<T>, levels: readonly string[], at: number): Entry<T> | null {
  // `#` matches everything below, and the parent itself ([MQTT-4.7.1-2]).
  const everything = node.below.get('#')?.entry
  if (everything) return everything
  const level = levels[at]
  if (level === undefined) return node.entry
  for (const name of [level, '+']) {
    const next = node.below.get(name)
    const found = next ? findMatch(next, levels, at + 1) : null
    if (found) return found
  }
  return null
}

function findOverlap<T>(node: Node<T>, levels: readonly string[], at: number): Entry<T> | null {
  const everything = node.below.get('#')?.entry
  if (everything) return everything
  const level = levels[at]
  if (level === undefined) return node.entry
  if (level === '#') return anyEntry(node)
  const names = level === '+' ? [...node.below.keys()] : [level, '+']
  for (const name of names) {
    const next = node.below.get(name)
    const found = next ? findOverlap(next, levels, at + 1) : null
    if (found) return found
  }
  return null
}

function anyEntry<T>(node: Node<T>): Entry<T> | null {
  if (node.entry) return node.entry
  for (const next of node.below.values()) {
    const found = anyEntry(next)
    if (found) return found
  }
  return null
}

function isCovered<T>(node: Node<T>, levels: readonly string[], at: number): boolean {
  if (node.below.get('#')?.entry) return true
  const level = levels[at]
  if (level === undefined) return node.entry !== null
  // Only a `#` matches all that a `#` matches.
  if (level === '#') return false
  // Each branch once: twice the same at every level would take 2^levels steps.
  const names = level === '+' ? ['+'] : [level, '+']
  return names.some((name) => {
    const next = node.below.get(name)
    return next !== undefined && isCovered(next, levels, at + 1)
  })
}
