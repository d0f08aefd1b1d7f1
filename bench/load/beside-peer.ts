import { median, round } from '../machine.ts'
import type { BenchContext } from '../context.ts'
import { peerPipeline } from '../subjects/peer.ts'
import type { Subject } from '../subjects/subject.ts'

type Row = Readonly<Record<string, unknown>> & { readonly subject: string }

export interface Comparison {
  readonly start: () => Promise<Subject>
  readonly measure: (subject: Subject) => Promise<Readonly<Record<string, unknown>>>
  /** Figures whose ratio to the peer's is taken, of the medians. */
  readonly ratiosOf: readonly string[]
}

/** Product and peer interleaved, each fresh for every run. */
export async function besidePeer(
  { options, ratePerS, peerTools, freshDir, report }: BenchContext,
  { start, measure, ratiosOf }: Comparison,
) {
  const starts = [start]
  if (peerTools !== null) starts.push(() => peerPipeline(peerTools, freshDir()))
  const rows: Row[] = []
  for (let run = 0; run < options.runs; run += 1) {
    for (const startOne of starts) {
      const subject = await startOne()
      try {
        rows.push({ subject: subject.name, ...(await measure(subject)) })
      } finally {
        await subject.stop()
      }
      report(rows.at(-1))
    }
  }
  return { ratePerS, rows, ...(peerTools === null ? {} : { ratios: ratiosToPeer(rows, ratiosOf) }) }
}

function ratiosToPeer(rows: readonly Row[], figures: readonly string[]): Record<string, number> {
  const medianOf = (figure: string, isPeer: boolean) =>
    median(
      rows.filter((row) => (row.subject === 'peer') === isPeer).map((row) => Number(row[figure])),
    )
  return Object.fromEntries(
    figures.map((figure) => [figure, round(medianOf(figure, false) / medianOf(figure, true), 3)]),
  )
}
