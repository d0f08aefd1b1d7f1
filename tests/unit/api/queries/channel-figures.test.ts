import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { delayRows } from '../rows.ts'
import { createTestApp, type TestApp } from '../test-app.ts'

describe('availability and jitter', () => {
  let test: TestApp

  beforeEach(async () => {
    test = await createTestApp()
  })
  afterEach(() => test.close())

  it('show what the messages prove, never a bare 100 %', async () => {
    test.port.rows.delays = [
      ...delayRows('acme.t1', 2994),
      ...delayRows('beta.t1', 2995),
      ...delayRows('beta.t1', 10, { channel: 'x', seq: null }),
    ]
    const { body } = await test.request('/kpi/availability?by=device')
    // docs/domain.md 5.2: 2 995 messages without a failure prove 99.9 %.
    expect(body.data.map(({ demonstrated }: never) => demonstrated)).toEqual([
      '99%',
      '99.9%',
      'not demonstrated',
    ])
    expect(body.data[2]).toMatchObject({ reliability: 1, lost: null, failures: 0 })
    expect(body.data[2].reliabilityLower95).toBeCloseTo(0.05 ** 0.1, 12)
    expect(body.meta).toMatchObject({ maxLatencyMs: 3000, survivalMs: 0 })
    expect(body.meta.method.relative).toMatch(/at most/)
  })

  it('count late and lost messages as failures, within the limits given', async () => {
    const sent = delayRows('acme.t1', 1000)
    const late = sent.slice(10, 12).map((row) => ({ ...row, uplinkMs: 20 }))
    // Three numbers are missing.
    test.port.rows.delays = [...sent.slice(0, 10), ...late, ...sent.slice(15)]
    const { body } = await test.request('/kpi/availability?maxLatencyMs=12.5&survivalMs=50')
    expect(test.port.received.at(-1)?.query).toMatchObject({
      maxLatencyMs: 12.5,
      survivalMs: 50,
    })
    expect(body.data[0]).toMatchObject({ late: 2, lost: 3, failures: 5, reliability: 0.995 })
    for (const wrong of ['maxLatencyMs=0', 'maxLatencyMs=x', 'survivalMs=-1', 'by=rat']) {
      expect((await test.request(`/kpi/availability?${wrong}`)).status, wrong).toBe(422)
    }
  })

  it('show the jitter of each stage, page by page, with pseudonyms for engineers', async () => {
    const ages = delayRows('acme.t1', 10)
    const trips = delayRows('acme.t1', 10).map((row, at) => ({
      ...row,
      rttMs: at % 2,
      seq: at + 11,
    }))
    test.port.rows.delays = [...ages, ...trips]
    const first = await test.request('/kpi/jitter?limit=1', { role: 'engineer' })
    const { cursor = first.body.next } = {}
    const second = await test.request(`/kpi/jitter?limit=1&cursor=${cursor}`, { role: 'engineer' })
    expect([...first.body.data, ...second.body.data]).toMatchObject([
      { stage: 'age', n: 10, ipdvN: 9, ipdvMeanMs: 0, pdvP95Ms: 0 },
      { stage: 'rtt', n: 10, ipdvN: 9, ipdvMeanMs: 1, ipdvP95Ms: 1, pdvP95Ms: 1 },
    ])
    expect(first.text).not.toContain('acme')
  })

  it.each(['jitter', 'availability'])('say what to do for too much %s', async (name) => {
    test.port.rows.delays = { tooMany: true, limit: 200_000 }
    const { status, body } = await test.request(`/kpi/${name}`)
    expect(status).toBe(422)
    expect(body.detail).toMatch(/at most 200000 messages.*shorter span/)
  })
})
