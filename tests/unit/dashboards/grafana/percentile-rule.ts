import type { PanelJson } from '../../../support/grafana/boards-json.ts'

/** Fields of `latency_minute` that belong to one minute and key. */
const PERCENTILE = /"p\d+Ms"/
const IN_FUNCTION = /\b(\w+)\s*\(\s*(?:distinct\s+)?"p\d+Ms"/gi
const IN_ARITHMETIC = /"p\d+Ms"\s*[-+*/]|[-+*/]\s*"p\d+Ms"/

/**
 * Faults in how a panel shows percentiles. They are shown as they were written, one point per minute
 * and key. Of several minutes a panel may only show the worst, if its title says so.
 */
export function percentileFaults(panel: PanelJson): string[] {
  const queries = (panel.targets ?? []).map(({ query }) => query)
  return queries
    .filter((query) => PERCENTILE.test(query))
    .flatMap((query) => {
      const functions = [...query.matchAll(IN_FUNCTION)].map(([, name = '']) => name.toLowerCase())
      const isWorst = /worst minute/i.test(panel.title)
      return [
        ...functions
          .filter((name) => !(name === 'max' && isWorst))
          .map((name) => `${name}() of a percentile`),
        ...(IN_ARITHMETIC.test(query) ? ['arithmetic with a percentile'] : []),
        ...(/\bfrom\s*\(/i.test(query) ? ['a percentile in a subquery'] : []),
        ...(isSeparate(query) ? [] : ['percentiles of several tenants or keys in one series']),
        ...(panel.type === 'timeseries' ? [] : [`a percentile reduced by a ${panel.type} panel`]),
        ...(panel.transformations?.length ? ['a percentile transformed'] : []),
      ]
    })
}

function isSeparate(query: string): boolean {
  const [, groups = ''] = /\bgroup by (.*)$/i.exec(query) ?? []
  return groups.includes('"tenant"') && groups.includes('"key"')
}
