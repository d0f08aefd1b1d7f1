import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { boardOf, panelsOf, readBoards, type BoardJson } from '../../support/grafana/boards-json.ts'
import { chooseVariables, type Chosen } from '../../support/grafana/choose-variables.ts'
import { startDatabase, type Database } from '../../support/grafana/data-source.ts'
import {
  withMacros,
  withVariables,
  type Span,
  type Variables,
} from '../../support/grafana/interpolate.ts'
import { hasInfluxd } from '../../support/influxd.ts'
import { expectations } from './expected-boards.ts'
import { expectRows } from './expected-rows.ts'
import { MINUTE_MS, type Selection } from './expected-series.ts'
import { DEVICES, seedPoints } from './seed.ts'

const POINTS = seedPoints()

/** One choice of a viewer: every device or one, every tenant or one ... */
interface Case {
  readonly name: string
  readonly chosen: Chosen
  readonly selection: Selection
}

const CASES: readonly Case[] = [
  {
    name: 'all of everything',
    // The board of one device has no "All".
    chosen: { stage: 'age', by: 'cell' },
    selection: {
      isTenant: (tenant) => tenant === '_all',
      isOfTenants: () => true,
      isDevice: () => true,
      isRat: () => true,
      stage: 'age',
      by: 'cell',
    },
  },
  {
    name: 'one tenant, two devices, two RATs',
    chosen: {
      tenant: ['acme'],
      site: ['gate', 'plant'],
      device: ['acme.t1', 'acme.m1'],
      rat: ['nr-sa', 'lte'],
      stage: 'rtt',
      by: 'operator',
    },
    selection: {
      isTenant: (tenant) => tenant === 'acme',
      isOfTenants: (device) => device.startsWith('acme.'),
      isDevice: (device) => ['acme.t1', 'acme.m1'].includes(device),
      isRat: (rat) => ['nr-sa', 'lte'].includes(rat),
      stage: 'rtt',
      by: 'operator',
    },
  },
]

describe.skipIf(!hasInfluxd)('boards on influxd (needs it on the PATH)', () => {
  let database: Database

  beforeAll(async () => {
    database = await startDatabase(POINTS)
  })
  afterAll(() => database?.stop())

  async function rowsOf(query: string, variables: Variables, span: Span) {
    return await database.query(withMacros(withVariables(query, variables), span, MINUTE_MS))
  }

  function targetsOf(board: BoardJson) {
    return panelsOf(board).flatMap((panel) =>
      (panel.targets ?? []).map((target) => ({
        ...target,
        key: `${board.uid}/${panel.id}/${target.refId}`,
      })),
    )
  }

  it('have an expectation for every query', () => {
    const keys = readBoards().flatMap((board) => targetsOf(board).map(({ key }) => key))
    expect(Object.keys(expectations(CASES[0]!.selection)).toSorted()).toEqual(keys.toSorted())
  })

  for (const { name, chosen, selection } of CASES) {
    for (const board of readBoards().filter(({ uid }) => uid !== 'padborg-device')) {
      it(`show the seeded values of ${name}: ${board.title}`, async () => {
        const variables = await chooseVariables(board, chosen, database)
        const expected = expectations(selection)
        for (const { key, query } of targetsOf(board)) {
          const want = expected[key]
          if (!want) throw new Error(`${key}: nothing expected`)
          const rows = await rowsOf(query, variables, want.span)
          await explained(key, query, () => expectRows(rows, POINTS, want))
        }
      })
    }
  }

  it('show the seeded values of one device, each of another kind', async () => {
    const board = boardOf('padborg-device')
    const shown = new Set<string>()
    for (const { id } of DEVICES) {
      const variables = await chooseVariables(board, { device: id, stage: 'age' }, database)
      const expected = expectations({ ...CASES[0]!.selection, isDevice: (device) => device === id })
      for (const { key, query } of targetsOf(board)) {
        const want = expected[key]
        if (!want) throw new Error(`${key}: nothing expected`)
        const rows = await rowsOf(query, variables, want.span)
        // Panels of other kinds, and latency of devices that have none.
        if (rows.length === 0) continue
        shown.add(key)
        await explained(key, query, () => expectRows(rows, POINTS, want))
      }
    }
    expect([...shown].toSorted()).toEqual(
      targetsOf(board)
        .map(({ key }) => key)
        .toSorted(),
    )
  })
})

async function explained(key: string, query: string, check: () => void): Promise<void> {
  try {
    check()
  } catch (error) {
    throw new Error(`${key}: ${query}: ${String(error)}`, { cause: error })
  }
}
