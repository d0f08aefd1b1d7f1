import { describe, expect, it } from 'vitest'
import { listsNaming } from '../../../../scripts/measure/query-lists.ts'

const lists = (text: string, path = 'api/sample.ts') =>
  listsNaming('latency', [{ path, text, isTest: path.startsWith('tests/') }]).map(
    ({ line, names }) => [line, names.length],
  )

describe('the lists that name a query', () => {
  it('are arrays, objects, types and unions with entries for at least three queries', () => {
    const text = `
const ROUTES = [addLatency, addLoss, addJitter]
const SOURCES = { latency: 'both', loss: 'store', throughput: 'store' }
interface Port {
  latency: number
  loss: number
  heat(): number
}
type Name = 'latency' | 'loss' | 'heat'
const SHARED = new Set(['/kpi/latency', '/kpi/loss', '/last-values'])
const QUERIES = [latencyQuery, lossQuery, lastValuesQuery, anything]
`
    expect(lists(text)).toEqual([
      [2, 3],
      [3, 3],
      [4, 3],
      [9, 3],
      [10, 3],
      [11, 3],
    ])
  })

  it('are not the declaration of the query, its import or a list without it', () => {
    const text = `
import { latency } from './latency.ts'
export const latencyQuery = defineQuery({ name: 'latency', path: '/kpi/latency', row: [latency] })
const others = ['throughput', 'loss', 'heat']
const stages = ['latency', 'durable', 'stored']
`
    expect(lists(text)).toEqual([])
  })

  it('are looked for in product code, not where the names mean figures or texts', () => {
    const text = "export const list = ['latency', 'loss', 'jitter']"
    const paths = ['lib/queries/catalogue.ts', 'lib/kpi/catalogue.ts', 'tests/a.test.ts']
    expect(paths.map((path) => lists(text, path).length)).toEqual([1, 0, 0])
  })
})
