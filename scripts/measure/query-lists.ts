import type { Source } from './sources.ts'
import { lineAt, nameOf, nodesIn, syntaxOf, walk, type SyntaxNode } from './syntax.ts'

/*
 * Lists that name a query. A list is an array, an object, a type of properties or a union of strings,
 * of which at least three entries name different queries; so the declaration of one query is none.
 * An entry names a query by its key, its string (the last part of a path) or its identifier, with a
 * word like `add` or `answer` before it or `query` after it: `latency`, `'latency'`, `addLatency`,
 * `latencyQuery`, `'/kpi/latency'` all name the query `latency`.
 */

export interface ListPlace {
  readonly path: string
  readonly line: number
  /** Queries that it names. */
  readonly names: readonly string[]
}

const QUERIES = [
  'readings',
  'readingsFile',
  'readingDevices',
  'since',
  'aggregates',
  'latency',
  'throughput',
  'loss',
  'jitter',
  'availability',
  'heat',
  'heatRecovered',
  'registers',
  'delays',
  'lastValues',
  'clocks',
  'conformance',
  'delivery',
  'rejections',
  'rejectionGroups',
  'replay',
  'status',
  'interarrival',
]

/** Files whose lists are of other things with the same names. */
const NO_QUERIES: readonly RegExp[] = [
  // Figures and their formulas: the catalogue of what is computed, not of what can be asked.
  /^lib\/kpi\//,
  // Interface texts, by language.
  /\/words\//,
  // Tools that send queries from outside.
  /^(bench|scripts|simulators)\//,
]

const MIN_QUERIES = 3

export function listsNaming(query: string, sources: readonly Source[]): readonly ListPlace[] {
  return sources
    .filter(({ path, isTest }) => !isTest && !NO_QUERIES.some((rule) => rule.test(path)))
    .flatMap(queryLists)
    .filter(({ names }) => names.includes(query))
}

function queryLists(source: Source): readonly ListPlace[] {
  const root = syntaxOf(source)
  if (!root) return []
  const found: ListPlace[] = []
  walk(root, (node) => {
    const named = new Set(entriesOf(node).map(queryNamed))
    const names = QUERIES.filter((query) => named.has(query))
    if (names.length < MIN_QUERIES) return
    found.push({ path: source.path, line: lineAt(source.text, node.start), names })
  })
  return found
}

/** Names of the entries of a list; nothing of other nodes. */
function entriesOf(node: SyntaxNode): readonly string[] {
  switch (node.type) {
    case 'ArrayExpression':
      return namesIn(nodesIn(node, 'elements'))
    case 'TSUnionType':
    case 'TSTupleType':
      return namesIn(nodesIn(node, node.type === 'TSUnionType' ? 'types' : 'elementTypes'))
    case 'ObjectExpression':
      return namesIn(nodesIn(node, 'properties').map((property) => property['key']))
    case 'TSInterfaceBody':
      return namesIn(nodesIn(node, 'body').map((member) => member['key']))
    case 'TSTypeLiteral':
      return namesIn(nodesIn(node, 'members').map((member) => member['key']))
    default:
      return []
  }
}

function namesIn(nodes: readonly unknown[]): readonly string[] {
  return nodes.map(nameOf).filter((name) => name !== null)
}

const BEFORE = /^(?:add|ask|answer|read|find|scan|handle|create|define|merge)(?=[A-Z])/
const AFTER = /(?:Query|Question|Route|Handler|Answer)$/

function queryNamed(entry: string): string {
  const last = entry.split(/[?#]/)[0]?.split('/').at(-1) ?? ''
  const camel = last.replaceAll(/-([a-z])/g, (_, letter: string) => letter.toUpperCase())
  const bare = camel.replace(BEFORE, '').replace(AFTER, '')
  return bare.charAt(0).toLowerCase() + bare.slice(1)
}
