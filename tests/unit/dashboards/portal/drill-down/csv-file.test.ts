import { describe, expect, it } from 'vitest'
import {
  MAX_PAGES,
  csvFileName,
  loadCsvFile,
} from '../../../../../dashboards/portal/src/drill-down/csv-file.ts'

describe('a file of readings', () => {
  const { signal } = new AbortController()
  const selection = { path: '/readings', parameters: { kind: 'probe' }, signal }

  /** So many pages of one row each. */
  function platformWith(pages: number) {
    const requests: unknown[] = []
    return {
      requests,
      getCsv: async (_: string, { cursor }: Readonly<Record<string, unknown>>) => {
        requests.push(cursor)
        const at = Number(cursor ?? 0)
        const next = at + 1 < pages ? String(at + 1) : null
        return { ok: true, value: { text: `time,status\r\nt${at},"a\r\nb"\r\n`, next } } as const
      },
    }
  }

  it('holds the rows of all pages under one line of names', async () => {
    const file = await loadCsvFile(platformWith(3), selection)
    const text = file.ok && (await file.value?.text())
    expect(text).toBe('time,status\r\nt0,"a\r\nb"\r\nt1,"a\r\nb"\r\nt2,"a\r\nb"\r\n')
  })

  it('is whole at the limit of pages, and none beyond it', async () => {
    expect(await loadCsvFile(platformWith(MAX_PAGES), selection)).toMatchObject({
      value: expect.any(Blob),
    })
    const more = platformWith(MAX_PAGES + 1)
    expect(await loadCsvFile(more, selection)).toEqual({ ok: true, value: null })
    expect(more.requests).toHaveLength(MAX_PAGES)
  })

  it('is named without signs that a file name may not hold', () => {
    expect(csvFileName(['probe', 'acme.p1,acme.p2', undefined])).toBe(
      'readings-probe-acme.p1_acme.p2.csv',
    )
  })
})
