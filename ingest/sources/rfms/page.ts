import { isRecord } from '../../formats/payload/problem.ts'
import { caseless } from '../../formats/rfms/caseless.ts'
import { elementsOf } from '../../formats/rfms/elements.ts'

/** One vehicle status of a response. */
export interface Status {
  /** As the server sent it. */
  readonly json: unknown
  /** Upper case; '' where there is none. */
  readonly vin: string
  /** When the server received it, Unix ms; null where it does not say. */
  readonly receivedMs: number | null
  /** The same for the same status in another response. */
  readonly hash: string
}

/** One response of `/vehiclestatuses`. */
export interface Page {
  readonly statuses: readonly Status[]
  readonly isMore: boolean
  /** The query of the next page, where the server gives one. */
  readonly nextQuery: string | null
  /** The server's time at the request, Unix ms. */
  readonly serverMs: number | null
}

/** Null: not a response of rFMS. */
export function readPage(body: unknown): Page | null {
  const elements = elementsOf(body)
  if (elements === null || !isRecord(body)) return null
  const values = caseless(body)
  const link = values.get('moreDataAvailableLink').value
  return {
    statuses: elements.map(({ given, values: own, hash }) => {
      const vin = own.get('vin').value
      return {
        json: given,
        vin: typeof vin === 'string' ? vin.trim().toUpperCase() : '',
        receivedMs: timeOf(own.get('receivedDateTime').value),
        hash: hash.toString(36),
      }
    }),
    isMore: values.get('moreDataAvailable').value === true,
    nextQuery: typeof link === 'string' ? queryOf(link) : null,
    serverMs: timeOf(values.get('requestServerDateTime').value),
  }
}

/**
 * The link is relative to the server, but how differs: only its query is used, so that no server can
 * send our password elsewhere.
 */
function queryOf(link: string): string | null {
  const at = link.indexOf('?')
  return at < 0 || at === link.length - 1 ? null : link.slice(at + 1)
}

const ZONE = /(?:Z|[+-]\d{2}:?\d{2})$/i

/** rFMS times are UTC; some servers leave the Z out. */
function timeOf(value: unknown): number | null {
  if (typeof value !== 'string' || value === '') return null
  const ms = Date.parse(ZONE.test(value) ? value : `${value}Z`)
  return Number.isNaN(ms) ? null : ms
}
