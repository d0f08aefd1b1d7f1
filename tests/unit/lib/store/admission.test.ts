import { describe, expect, it } from 'vitest'
import { isPlatformError } from '#lib/runtime/errors.ts'
import { Admission } from '#lib/store/admission.ts'

const limits = { queryTimeoutMs: 10_000, queryConcurrency: 2, queryQueue: 2 }

/** Work that ends when told to. */
function pendingWork() {
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  return { work: () => promise, end: () => resolve('done'), fail: reject }
}

describe('the admission of queries', () => {
  it('runs two, lets two wait, and refuses the fifth', async () => {
    const admission = new Admission(limits)
    const jobs = [pendingWork(), pendingWork(), pendingWork(), pendingWork()]
    const running = jobs.map(({ work }) => admission.run(work))
    await expect(admission.run(async () => 'late')).rejects.toSatisfy((error) =>
      isPlatformError(error, 'QUERY_BUSY'),
    )
    for (const { end } of jobs) end()
    expect(await Promise.all(running)).toEqual(['done', 'done', 'done', 'done'])
    expect(await admission.run(async () => 'free again')).toBe('free again')
  })

  it('runs the next query after one that failed', async () => {
    const admission = new Admission({ ...limits, queryConcurrency: 1 })
    const first = pendingWork()
    const failing = admission.run(first.work)
    const waiting = admission.run(async () => 'next')
    first.fail(new Error('broken'))
    await expect(failing).rejects.toThrow('broken')
    expect(await waiting).toBe('next')
  })

  it('ends the wait of a query at its deadline', async () => {
    const admission = new Admission({ ...limits, queryConcurrency: 1, queryTimeoutMs: 30 })
    const first = pendingWork()
    const running = admission.run(first.work)
    await expect(admission.run(async () => 'never')).rejects.toSatisfy((error) =>
      isPlatformError(error, 'QUERY_TIMEOUT'),
    )
    first.end()
    await expect(running).rejects.toSatisfy((error) => isPlatformError(error, 'QUERY_TIMEOUT'))
  })

  it('refuses waiting queries when it closes', async () => {
    const admission = new Admission({ ...limits, queryConcurrency: 1 })
    const first = pendingWork()
    const running = admission.run(first.work)
    const waiting = admission.run(async () => 'never')
    admission.close()
    await expect(waiting).rejects.toSatisfy((error) => isPlatformError(error, 'CLOSED'))
    first.end()
    expect(await running).toBe('done')
  })

  it('runs the scan of a tenant second, however many another tenant has waiting', async () => {
    const admission = new Admission({ ...limits, queryConcurrency: 1, queryQueue: 200 })
    const order: string[] = []
    const scan = (tenant: string) =>
      admission.run(async () => void order.push(tenant), { caller: { tenant, key: tenant } })
    const all = [...Array.from({ length: 101 }, () => scan('a')), scan('b')]
    await Promise.all(all)
    expect(order.indexOf('b')).toBe(1)
  })

  it('begins a long scan again after it gave way to another tenant', async () => {
    const admission = new Admission(limits, 0)
    const begun: string[] = []
    const ends = [pendingWork(), pendingWork(), pendingWork()]
    const long = (n: number) => (signal: AbortSignal) => {
      begun.push(`a${n}`)
      signal.addEventListener('abort', () => ends[n]?.fail(signal.reason))
      return begun.filter((one) => one === `a${n}`).length > 1
        ? Promise.resolve('at last')
        : (ends[n] ?? pendingWork()).work()
    }
    const caller = { tenant: 'a', key: 'a' }
    const running = [0, 1].map((n) => admission.run(long(n), { caller }))
    const other = admission.run(async () => 'small', { caller: { tenant: 'b', key: 'b' } })
    expect(await other).toBe('small')
    ends[0]?.end()
    expect(await Promise.all(running)).toEqual(['done', 'at last'])
    expect(begun).toEqual(['a0', 'a1', 'a1'])
  })
})
