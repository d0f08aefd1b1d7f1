import { afterEach, describe, expect, it } from 'vitest'
import type { TurnLimits } from '../../../../api/queries/turns.ts'
import { metricValue } from '../../../support/metric-value.ts'
import { waitFor } from '../../../support/wait-for.ts'
import { createTestApp, type TestApp } from '../test-app.ts'

const ONE = { ofKey: 1, ofTenant: 2, all: 4 }
const LIMITS: TurnLimits = {
  queries: { running: ONE, waiting: { ofKey: 2, ofTenant: 3, all: 4 } },
  files: { running: ONE, waiting: ONE },
}

describe('turns of queries', () => {
  let test: TestApp
  let ends: (() => void)[] = []

  afterEach(() => {
    for (const end of ends) end()
    return test.close()
  })

  /** Queries of the port wait until the test ends them. */
  async function start(limits: TurnLimits = LIMITS): Promise<void> {
    test = await createTestApp({}, { turnLimits: limits })
    ends = []
    test.port.before = () => new Promise((resolve) => ends.push(resolve))
  }

  const keyOf = (tenant: string) =>
    test.registry.keys.create({ role: 'tenant-viewer', tenant, name: 'one more' }).key
  const send = (key: string) => test.request('/delivery', { key })
  const metric = (name: string) => metricValue(test.metrics, name)

  it('are taken one after the other by a key, beside others of its tenant', async () => {
    await start()
    const [one, other] = [keyOf('acme'), keyOf('acme')]
    const sent = [send(one), send(one), send(other)]
    await waitFor(() => ends.length === 2)
    expect(await metric('padborg_queries_running')).toBe(2)
    expect(await metric('padborg_queries_waiting')).toBe(1)
    ends[0]?.()
    await waitFor(() => ends.length === 3)
    for (const end of ends) end()
    expect((await Promise.all(sent)).map(({ status }) => status)).toEqual([200, 200, 200])
    expect(await metric('padborg_queries_running')).toBe(0)
  })

  it('run out with 429 for a key, which says the limit and when to come again', async () => {
    await start()
    const key = keyOf('acme')
    const sent = [send(key), send(key), send(key)]
    await waitFor(async () => (await metric('padborg_queries_waiting')) === 2)
    const refused = await send(key)
    expect(refused).toMatchObject({ status: 429, headers: { 'retry-after': '1' } })
    expect(refused.body).toMatchObject({ code: 'QUERY_BUSY' })
    expect(refused.body.detail).toMatch(
      /^expected at most 2 queries of one key to wait, got one more; wait for results/,
    )
    expect(ends).toHaveLength(1)
    const neighbour = send(keyOf('beta'))
    await waitFor(() => ends.length === 2)
    ends[1]?.()
    expect((await neighbour).status).toBe(200)
    await endAll(sent)
  })

  it('run out with 429 for a tenant with many keys', async () => {
    await start()
    const sent = Array.from({ length: 5 }, () => send(keyOf('acme')))
    await waitFor(async () => (await metric('padborg_queries_waiting')) === 3)
    const refused = await send(keyOf('acme'))
    expect(refused.status).toBe(429)
    expect(refused.body.detail).toMatch(/^expected at most 3 queries of one tenant to wait/)
    await endAll(sent)
  })

  it('count keys without a tenant each for itself', async () => {
    await start()
    const roles = ['admin', 'engineer', 'secretariat'] as const
    const sent = roles.map((role) => test.request('/delivery', { role }))
    await waitFor(() => ends.length === 3)
    await endAll(sent)
  })

  async function endAll(sent: readonly Promise<unknown>[]): Promise<void> {
    test.port.before = async () => {}
    for (const end of ends) end()
    await Promise.all(sent)
  }
})
