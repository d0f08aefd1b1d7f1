import type { Boundary } from '#lib/telemetry/heat.ts'
import type { Span } from '#lib/telemetry/span.ts'
import { heatFigures, type HeatFigures, type PointPiece } from './recovered-heat.ts'

/** One measuring point in one bucket, with what it may be grouped by. */
export interface PointHeat extends PointPiece {
  readonly boundary: Boundary
  /** Town, data centre, heat network, municipality ...; null where the point has none. */
  readonly labels: Readonly<Record<string, string | null>>
  readonly bucket: Span
  /** Id of the point, which may have several pieces in a bucket; left out: it has one. */
  readonly point?: string
}

export interface GroupHeat {
  readonly boundary: Boundary
  readonly labels: Readonly<Record<string, string | null>>
  readonly bucket: Span
  /** How many measuring points the figures are of. */
  readonly points: number
  readonly figures: HeatFigures
}

/**
 * Heat per boundary, group and bucket, in the order of their first appearance. Whatever it is
 * grouped by, heat of different boundaries stays in different rows (docs/domain.md 7.3).
 */
export function groupHeat(rows: readonly PointHeat[], by: readonly string[]): GroupHeat[] {
  const groups: PointHeat[][] = []
  // Points of one meter share their labels, those of one interval their bucket: each is spelt once.
  const labelKeys = new Map<PointHeat['labels'], string>()
  const within = new Map<Span, Map<string, PointHeat[]>>()
  const bySpan = new Map<string, Map<string, PointHeat[]>>()
  for (const row of rows) {
    const { labels, boundary, bucket } = row
    const ofLabels = labelKeys.get(labels) ?? JSON.stringify(by.map((name) => labels[name] ?? null))
    labelKeys.set(labels, ofLabels)
    const inBucket =
      within.get(bucket) ?? entryOf(bySpan, `${bucket.fromNs} ${bucket.toNs}`, () => new Map())
    within.set(bucket, inBucket)
    const members = entryOf(inBucket, `${boundary} ${ofLabels}`, () => {
      const begun: PointHeat[] = []
      groups.push(begun)
      return begun
    })
    members.push(row)
  }
  return groups.map((members) => {
    // A group begins with its first member.
    const { boundary, labels, bucket } = members[0]!
    return {
      boundary,
      labels: Object.fromEntries(by.map((name) => [name, labels[name] ?? null])),
      bucket,
      points: new Set(members.map((member) => member.point ?? member)).size,
      figures: heatFigures(members, bucket),
    }
  })
}

function entryOf<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}
