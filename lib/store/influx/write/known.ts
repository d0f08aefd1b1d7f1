import type { Kind } from '#lib/telemetry/catalogue.ts'
import type { Identity, Known } from '../../store.ts'
import type { Influx } from '../client/influx.ts'
import { allOf, identifier, isOneOf, readingsWithin } from '../client/influxql.ts'
import {
  bigintIn,
  numberIn,
  numberOrNull,
  ownColumns,
  ownReadings,
  rowsOf,
  textIn,
  textOrNull,
  type Row,
} from '../scans/rows.ts'

/** Identities nearer to each other than this are looked up together, over no more than the span. */
const NEAR_NS = 60_000_000_000n
const MAX_CLUSTER_NS = 10n * NEAR_NS
/** Statements of one request. */
const STATEMENTS = 50

/** Looks among the rows before each identity's own position. */
export async function findKnown(
  influx: Influx,
  journal: string,
  identities: readonly Identity[],
): Promise<Known[]> {
  const wanted = new Map<string, { readonly identity: Identity; readonly at: number }[]>()
  for (const [at, identity] of identities.entries()) {
    const key = keyOf(identity)
    const found = wanted.get(key)
    if (found) found.push({ identity, at })
    else wanted.set(key, [{ identity, at }])
  }
  const results: Known[] = identities.map(() => 'unknown')
  const statements = [...Map.groupBy(identities, ({ kind }) => kind)].flatMap(([kind, some]) =>
    clustersOf(some).flatMap((cluster) => statementsOf(kind, cluster)),
  )
  for (let from = 0; from < statements.length; from += STATEMENTS) {
    const found = await influx.queryEach(statements.slice(from, from + STATEMENTS))
    for (const one of found.flat()) {
      const { name } = one
      ownReadings(influx, { measurement: name, rows: rowsOf([one]) }, (row) => judge(name, row))
    }
  }
  return results

  function judge(kind: string, row: Row): void {
    for (const { identity, at } of wanted.get(keyOfRow(kind, row)) ?? []) {
      if (!standsBefore(row, identity, journal)) continue
      const isSame = BigInt.asUintN(64, bigintIn(row, 'hash')) === identity.hash
      if (isSame) results[at] = 'same'
      else if (results[at] === 'unknown') results[at] = 'other_content'
    }
  }
}

/** Runs of identities in the order of time. */
function clustersOf(identities: readonly Identity[]): Identity[][] {
  const clusters: Identity[][] = []
  for (const identity of identities.toSorted((a, b) => Number(a.timeNs - b.timeNs))) {
    const cluster = clusters.at(-1)
    const [first, last] = [cluster?.[0]?.timeNs, cluster?.at(-1)?.timeNs]
    const isNear =
      first !== undefined &&
      last !== undefined &&
      identity.timeNs - last <= NEAR_NS &&
      identity.timeNs - first <= MAX_CLUSTER_NS
    if (cluster && isNear) cluster.push(identity)
    else clusters.push([identity])
  }
  return clusters
}

/** Devices of one statement: 1.x takes a time that grows with the square of their number. */
const DEVICES = 50

function statementsOf(kind: Kind, cluster: readonly Identity[]): string[] {
  const devices = [...new Set(cluster.map(({ device }) => device))]
  const fromNs = cluster[0]?.timeNs ?? 0n
  const toNs = (cluster.at(-1)?.timeNs ?? 0n) + 1n
  const integers = ['timeNs', 'seq', 'hash', 'position', 'index']
  const columns = [ownColumns(integers), '"device"::tag', '"channel"::tag']
  return Array.from({ length: Math.ceil(devices.length / DEVICES) }, (_, part) => {
    const some = isOneOf('device', devices.slice(part * DEVICES, (part + 1) * DEVICES))
    const where = allOf([...readingsWithin({ fromNs, toNs }), ...(some ? [some] : [])])
    return `SELECT ${columns.join(', ')} FROM ${identifier(kind)} WHERE ${where}`
  })
}

function keyOf({ kind, device, channel, seq, timeNs }: Identity): string {
  return JSON.stringify([kind, device, channel, seq, String(timeNs)])
}

function keyOfRow(kind: string, row: Row): string {
  const [device, channel] = [textIn(row, 'device'), textIn(row, 'channel')]
  const timeNs = String(bigintIn(row, 'timeNs'))
  return JSON.stringify([kind, device, channel, numberOrNull(row, 'seq'), timeNs])
}

/** Positions of another journal cannot be compared: its rows came from elsewhere, and were first. */
function standsBefore(row: Row, { position, readingOrdinal }: Identity, journal: string): boolean {
  if (textOrNull(row, 'journal') !== journal) return true
  const at = numberIn(row, 'position')
  return at < position || (at === position && numberIn(row, 'index') < readingOrdinal)
}
