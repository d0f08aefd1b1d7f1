import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { Clock } from '#lib/runtime/clock.ts'

const DAY_NS = 86_400_000_000_000
/** A renewed file is noticed within that time. */
const READ_EVERY_NS = 3_600_000_000_000n

/**
 * Days until the first certificate of a PEM file expires, below zero when it has; null without a
 * file, or while it cannot be read: the TLS listener says so by itself.
 */
export function createCertificateDays(
  path: string | null,
  clock: Pick<Clock, 'nowNs' | 'monoNs'>,
): () => number | null {
  let readAtNs: bigint | null = null
  let endsAtMs: number | null = null

  return () => {
    if (path === null) return null
    const monoNs = clock.monoNs()
    if (readAtNs === null || monoNs - readAtNs > READ_EVERY_NS) {
      readAtNs = monoNs
      endsAtMs = endOf(path)
    }
    return endsAtMs === null ? null : (endsAtMs * 1e6 - Number(clock.nowNs())) / DAY_NS
  }
}

function endOf(path: string): number | null {
  try {
    return new X509Certificate(readFileSync(path)).validToDate.getTime()
  } catch {
    return null
  }
}
