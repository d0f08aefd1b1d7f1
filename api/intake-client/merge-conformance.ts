import {
  SEVERITIES,
  type ConformanceAnswer,
  type ConformanceFacts,
  type ConformanceFinding,
  type TransportFacts,
} from '#lib/telemetry/conformance.ts'

/** What an intake finds because others took in the rest of the messages. */
const PARTIAL: ReadonlySet<string> = new Set([
  'sequence_gaps',
  'sequence_restarts',
  'sequence_order',
  'stopped',
])

/** What follows from the last sign-in: only the intake that took it in knows. */
const OF_SIGN_IN: ReadonlySet<string> = new Set([
  'certificate_expired',
  'certificate_ending',
  'certificate_untrusted',
  'credential_expired',
  'credential_ending',
])

/**
 * One answer of several intakes: what they counted is added up, and what the one that heard the
 * device last says of its clock and rate holds. Where more than one heard it, each has seen gaps that
 * are none, so nothing is said of the sequence. Of certificate and credentials the intake of the last
 * sign-in with a certificate tells, also when no message followed it there.
 */
export function mergeConformance(answers: readonly ConformanceAnswer[]): ConformanceAnswer {
  const heard = answers
    .filter(({ facts }) => facts.lastReceivedAtNs !== null)
    .toSorted((a, b) => Number(timeOf(b) - timeOf(a)))
  const signIn = lastSignIn(answers)
  const [latest, ...others] = heard
  const only = latest ?? signIn ?? answers[0]
  if (!only) throw new Error('expected the answer of an intake, got none')
  if (others.length === 0 && (!signIn || signIn === only)) return only
  const facts = others.reduce((sum, { facts: one }) => sumOf(sum, one), only.facts)
  const certificate = signIn?.facts.certificate ?? null
  return {
    device: only.device,
    findings: mergeFindings(heard, signIn),
    facts: { ...facts, certificate },
  }
}

function mergeFindings(
  heard: readonly ConformanceAnswer[],
  signIn: ConformanceAnswer | null,
): ConformanceFinding[] {
  const found = new Map<string, ConformanceFinding>()
  const add = (finding: ConformanceFinding) => {
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

/** Null where no intake knows of a certificate: then all say the same of credentials. */
function lastSignIn(answers: readonly ConformanceAnswer[]): ConformanceAnswer | null {
  const seenAt = ({ facts }: ConformanceAnswer) => facts.certificate?.seenAtNs ?? -1n
  const [latest] = answers.toSorted((a, b) => Number(seenAt(b) - seenAt(a)))
  return latest?.facts.certificate ? latest : null
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
