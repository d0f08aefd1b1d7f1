import { describe, expect, it } from 'vitest'
import { ALL, withMacros, withVariables } from '../../support/grafana/interpolate.ts'

describe('variables in a query', () => {
  const regex = '/^(${x:regex})$/'

  it('are escaped, and joined where there are several', () => {
    expect(withVariables(regex, { x: { value: 'acme.t1' } })).toBe(String.raw`/^(acme\.t1)$/`)
    expect(withVariables(regex, { x: { value: ['acme.t1'] } })).toBe(String.raw`/^(acme\.t1)$/`)
    expect(withVariables(regex, { x: { value: ['a/b', 'c|d'] } })).toBe(
      String.raw`/^((a\/b|c\|d))$/`,
    )
  })

  it('are the value of "All" where a board defines one', () => {
    expect(withVariables(regex, { x: { value: ALL, allValue: '.*' } })).toBe('/^(.*)$/')
    expect(() => withVariables(regex, { x: { value: ALL } })).toThrow(/options/)
  })

  it('are inserted unchanged as raw text, in either notation', () => {
    expect(withVariables(`'\${x:raw}' [[x:raw]]`, { x: { value: 'a.b' } })).toBe(`'a.b' a.b`)
  })

  it('stay where they are unknown or macros', () => {
    const text = 'SELECT $y WHERE $timeFilter GROUP BY time($__interval), $/'
    expect(withVariables(text, { timeFilter: { value: 'x' } })).toBe(text)
  })

  it('need a format, since the versions of Grafana differ without one', () => {
    expect(() => withVariables('$x', { x: { value: 'a' } })).toThrow(/format/)
  })
})

describe('macros of the data source', () => {
  it.each([
    [250, '250ms', 250],
    [10_000, '10s', 10_000],
    [60_000, '1m', 60_000],
    [5_400_000, '1h', 5_400_000],
    [86_400_000, '1d', 86_400_000],
  ])('write an interval of %i ms as %s', (intervalMs, text, ms) => {
    const span = { fromMs: 1000, toMs: 2000 }
    expect(withMacros('$timeFilter|$__interval|$__interval_ms|$interval', span, intervalMs)).toBe(
      `time >= 1000ms and time <= 2000ms|${text}|${ms}|${text}`,
    )
  })
})
