import type {
  ConformanceAnswer,
  ConformanceFacts,
  ConformanceFinding,
  TransportFacts,
} from '#lib/telemetry/conformance.ts'

/** What an intake finds because others took in the rest of the messages. */
const PARTIAL: ReadonlySet<string> = new Set([
  'sequence_gaps',
  'sequence_restarts',
  'sequence_order',
  'stopped',
])

/**
 * One answer of several intakes: what they counted is added up, and what the one that heard the
 * device last says of its clock and rate holds. Where more than one heard it, each has seen gaps that
 * are none, so nothing is said of the sequence.
 */
export function mergeConformance(answers: readonly ConformanceAnswer[]): ConformanceAnswer {
  const heard = answers
    .filter(({ facts }) => facts.lastReceivedAtNs !== null)
    .toSorted((a, b) => Number(timeOf(b) - timeOf(a)))
  const [latest, ...others] = heard
  const only = latest ?? answers[0]
  if (!only) throw new Error('expected the answer of an intake, got none')
  if (!latest || others.length === 0) return only
  const findings = new Map<string, ConformanceFinding>()
  for (const { code, path, ...rest } of heard.flatMap((one) => one.findings)) {
    const key = `${code} ${path}`
    if (!PARTIAL.has(code) && !findings.has(key)) findings.set(key, { code, path, ...rest })
  }
  const facts = others.reduce((sum, { facts: one }) => sumOf(sum, one), latest.facts)
  return { device: latest.device, findings: [...findings.values()], facts }
}

function timeOf({ facts }: ConformanceAnswer): bigint {
  return facts.lastReceivedAtNs ?? 0n
}

/** `a` is the later one. */
function sumOf(a: ConformanceFacts, b: ConformanceFacts): ConformanceFacts {
  const flags = { ...a.flags }
  for (const [name, n] of Object.entries(b.flags)) {
    // Names of `flags` itself, whose keys are flags.
    const flag = name as keyof typeof flags
    flags[flag] = (flags[flag] ?? 0) + n
  }
  return {
    ...a,
    firstReceivedAtNs: earlier(a.firstReceivedAtNs, b.firstReceivedAtNs),
    read: a.read + b.read,
    stored: a.stored + b.stored,
    rejected: a.rejected + b.rejected,
    duplicate: a.duplicate + b.duplicate,
    clock: a.clock ?? b.clock,
    sequence: null,
    transport: a.transport && b.transport ? sumOfUse(a.transport, b.transport) : a.transport,
    flags,
  }
}

function earlier(a: bigint | null, b: bigint | null): bigint | null {
  if (a === null || b === null) return a ?? b
  return a < b ? a : b
}

function sumOfUse(a: TransportFacts, b: TransportFacts): TransportFacts {
  const messages = a.messages + b.messages
  const bytes = a.meanBytes * a.messages + b.meanBytes * b.messages
  return {
    messages,
    qos: [a.qos[0] + b.qos[0], a.qos[1] + b.qos[1], a.qos[2] + b.qos[2]],
    retained: a.retained + b.retained,
    redelivered: a.redelivered + b.redelivered,
    wills: a.wills + b.wills,
    meanBytes: Math.round(bytes / messages),
    maxBytes: Math.max(a.maxBytes, b.maxBytes),
  }
}
