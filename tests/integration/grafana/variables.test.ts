import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { boardOf, queryOfVariable } from '../../support/grafana/boards-json.ts'
import { optionsOf } from '../../support/grafana/choose-variables.ts'
import { startDatabase, type Database } from '../../support/grafana/data-source.ts'
import { ALL, type Choice, type Variables } from '../../support/grafana/interpolate.ts'
import { hasInfluxd } from '../../support/influxd.ts'
import { DEVICES, seedPoints } from './seed.ts'

const BOARD = boardOf('padborg-latency-radio')

function variableOf(name: string) {
  const variable = BOARD.templating.list.find((one) => one.name === name)
  if (!variable) throw new Error(`no variable ${name}`)
  return variable
}

/** Choices of a viewer; "All" with its value. */
function chosen(choices: Readonly<Record<string, Choice>>): Variables {
  return Object.fromEntries(
    Object.entries(choices).map(([name, value]) => {
      const { allValue } = variableOf(name)
      return [name, value === ALL && allValue !== undefined ? { value, allValue } : { value }]
    }),
  )
}

describe.skipIf(!hasInfluxd)('variables on influxd (needs it on the PATH)', () => {
  let database: Database

  beforeAll(async () => {
    database = await startDatabase(seedPoints())
  })
  afterAll(() => database?.stop())

  const offered = (name: string, choices: Readonly<Record<string, Choice>> = {}) =>
    optionsOf(queryOfVariable(variableOf(name)) ?? '', chosen(choices), database)

  it('offer the tenants that have devices, without _all', async () => {
    expect(await offered('tenant')).toEqual(['acme', 'acme-2'])
  })

  it('offer the sites of the chosen tenants', async () => {
    expect(await offered('site', { tenant: ALL })).toEqual(['gate', 'plant', 'yard'])
    expect(await offered('site', { tenant: ['acme-2'] })).toEqual(['gate'])
  })

  it('offer the devices of the chosen tenants and sites, and none whose name only begins alike', async () => {
    const all = DEVICES.map(({ id }) => id).toSorted()
    expect(await offered('device', { tenant: ALL, site: ALL })).toEqual(all)
    expect(await offered('device', { tenant: ['acme'], site: ALL })).toEqual(
      all.filter((id) => id.startsWith('acme.')),
    )
    expect(await offered('device', { tenant: ['acme-2', 'acme'], site: ['gate'] })).toEqual([
      'acme-2.t9',
      'acme.p1',
      'acme.t1',
    ])
  })

  it('offer the RATs that have latency', async () => {
    expect(await offered('rat', { tenant: ALL })).toEqual(['lte', 'nr-nsa', 'nr-sa'])
    expect(await offered('rat', { tenant: ['nobody'] })).toEqual([])
  })
})
