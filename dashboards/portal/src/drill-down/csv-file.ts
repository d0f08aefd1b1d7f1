import type { ApiClient, Parameters } from '../api/api-client.ts'
import type { Outcome } from '../api/outcome.ts'

const PAGE_ROWS = 10_000
/** The browser holds the file until it is saved: 2 million rows. */
export const MAX_PAGES = 200

export interface CsvSelection {
  readonly path: string
  /** Kind, device, radio technology, span, order and locale. */
  readonly parameters: Parameters
  readonly signal: AbortSignal
}

/** `null`: no longer wanted, or more than `MAX_PAGES` pages. */
export type CsvFile = Blob | null

/** The rows of all pages: whole, or a fault. Ends between two pages when the signal says so. */
export async function loadCsvFile(
  client: Pick<ApiClient, 'getCsv'>,
  { path, parameters, signal }: CsvSelection,
): Promise<Outcome<CsvFile>> {
  const parts: string[] = []
  let cursor: string | null = null
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const given: Parameters = { ...parameters, limit: PAGE_ROWS, ...(cursor && { cursor }) }
    const outcome = await client.getCsv(path, given)
    if (!outcome.ok) return outcome
    if (signal.aborted) return { ok: true, value: null }
    const { text, next } = outcome.value
    parts.push(page === 0 ? text : withoutHead(text))
    cursor = next
    if (cursor === null) return { ok: true, value: new Blob(parts, { type: 'text/csv' }) }
  }
  return { ok: true, value: null }
}

/** No name of a column holds a line break. */
function withoutHead(text: string): string {
  return text.slice(text.indexOf('\n') + 1)
}

const MAX_NAME_PART = 60

/** `readings-probe-acme.p1-nr-sa-20261130T0400Z-20261201T0400Z.csv` */
export function csvFileName(parts: readonly (string | undefined)[]): string {
  const safe = parts
    .filter((part) => part !== undefined)
    .map((part) => part.replaceAll(/[^\w.-]+/g, '_').slice(0, MAX_NAME_PART))
  return `${['readings', ...safe].join('-')}.csv`
}

/** To the minute, without signs that a file name may not hold. */
export function fileTime(iso: string): string {
  return `${new Date(iso).toISOString().slice(0, 16).replaceAll(/[-:]/g, '')}Z`
}
