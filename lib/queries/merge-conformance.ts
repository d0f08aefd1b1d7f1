import { SEVERITIES } from '#lib/telemetry/conformance.ts'
import type { ConformanceRow } from './conformance-row.ts'

type Facts = ConformanceRow['facts']
type Finding = ConformanceRow['findings'][number]
type Transport = NonNullable<Facts['transport']>

/** Findings of one intake that come from messages another one took in. */
const PARTIAL: ReadonlySet<string> = new Set([
  'sequence_gaps',
  'sequence_restarts',
  'sequence_order',
  'stopped',
])

/** Findings about the last sign-in: only the intake that took it in knows. */
const OF_SIGN_IN: ReadonlySet<string> = new Set([
  'certificate_expired',
  'certificate_ending',
  'certificate_untrusted',
  'credential_expired',
  'credential_ending',
])

/**
 * One row of several intakes. Counts are added up; clock and rate are those of the intake that heard
 * the device last. Where more than one heard it, each has seen gaps that are none, so the sequence is
 * unknown. Certificate and credentials come from the intake of the last sign-in with a certificate,
 * even when no message followed it there.
 */
export function mergeConformance(rows: readonly ConformanceRow[]): ConformanceRow {
  const heard = rows
    .filter(({ facts }) => facts.lastReceivedAt !== null)
    .toSorted((a, b) => Number(timeOf(b) - timeOf(a)))
  const signIn = lastSignIn(rows)
  const [latest, ...others] = heard
  const only = latest ?? signIn ?? rows[0]
  if (!only) throw new Error('expected the result of an intake, got none')
  if (others.length === 0 && (!signIn || signIn === only)) return only
  const facts = others.reduce((sum, { facts: one }) => sumOf(sum, one), only.facts)
  const certificate = signIn?.facts.certificate ?? null
  return {
    device: only.device,
    findings: mergeFindings(heard, signIn),
    facts: { ...facts, certificate },
  }
}

function mergeFindings(heard: readonly ConformanceRow[], signIn: ConformanceRow | null): Finding[] {
  const found = new Map<string, Finding>()
  const add = (finding: Finding) => {
    const key = `${finding.code} ${finding.path}`
    if (!found.has(key)) found.set(key, finding)
  }
  for (const { code, ...rest } of heard.flatMap(({ findings }) => findings)) {
    const isHidden = OF_SIGN_IN.has(code) ? signIn !== null : heard.length > 1 && PARTIAL.has(code)
    if (!isHidden) add({ code, ...rest })
  }
  for (const finding of signIn?.findings ?? []) if (OF_SIGN_IN.has(finding.code)) add(finding)
  return [...found.values()].toSorted(
    (a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity),
  )
}

/** Null where no intake knows of a certificate: then all agree on credentials. */
function lastSignIn(rows: readonly ConformanceRow[]): ConformanceRow | null {
  const seenAt = ({ facts }: ConformanceRow) => facts.certificate?.seenAt ?? -1n
  const [latest] = rows.toSorted((a, b) => Number(seenAt(b) - seenAt(a)))
  return latest?.facts.certificate ? latest : null
}

function timeOf({ facts }: ConformanceRow): bigint {
  return facts.lastReceivedAt ?? 0n
}

/** `a` is the later one. */
function sumOf(a: Facts, b: Facts): Facts {
  return {
    ...a,
    firstReceivedAt: earlier(a.firstReceivedAt, b.firstReceivedAt),
    read: a.read + b.read,
    stored: a.stored + b.stored,
    rejected: a.rejected + b.rejected,
    duplicate: a.duplicate + b.duplicate,
    clock: a.clock ?? b.clock,
    sequence: null,
    transport: a.transport && b.transport ? sumOfUse(a.transport, b.transport) : a.transport,
    flags: sumByName(a.flags, b.flags),
    unknownFields: sumByName(a.unknownFields, b.unknownFields),
  }
}

function sumByName(a: Facts['flags'], b: Facts['flags']): Facts['flags'] {
  const sums = { ...a }
  for (const [name, n] of Object.entries(b)) sums[name] = (sums[name] ?? 0) + n
  return sums
}

function earlier(a: bigint | null, b: bigint | null): bigint | null {
  if (a === null || b === null) return a ?? b
  return a < b ? a : b
}

function sumOfUse(a: Transport, b: Transport): Transport {
  const messages = a.messages + b.messages
  const bytes = a.meanBytes * a.messages + b.meanBytes * b.messages
  return {
    messages,
    qos: a.qos.map((n, qos) => n + (b.qos[qos] ?? 0)),
    retained: a.retained + b.retained,
    redelivered: a.redelivered + b.redelivered,
    wills: a.wills + b.wills,
    meanBytes: Math.round(bytes / messages),
    maxBytes: Math.max(a.maxBytes, b.maxBytes),
  }
}
