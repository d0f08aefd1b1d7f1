import { z } from 'zod'
import {
  SEVERITIES,
  type ConformanceFacts,
  type ConformanceReport,
} from '#lib/telemetry/conformance.ts'
import { deviceColumn, timeColumn } from './columns.ts'

const count = z.number()

const findingRow = z.object({
  code: z.string().describe('A row of docs/conformance.md.'),
  severity: z.enum(SEVERITIES),
  path: z
    .string()
    .describe(
      'The field in the payload, `mqtt`, `certificate`, `credentials`, or empty: the whole.',
    ),
  example: z.string().describe('What was seen.'),
  advice: z.string().describe('What to do about it.'),
})

const factsRow = z.object({
  kind: z.string(),
  registeredFormat: z.string(),
  lastFormat: z.string().nullable().describe('The format that read the last message.'),
  lastTopic: z.string().nullable(),
  firstReceivedAt: timeColumn().nullable(),
  lastReceivedAt: timeColumn().nullable(),
  read: count.describe('Messages processed: stored + rejected + duplicate.'),
  stored: count,
  rejected: count,
  duplicate: count,
  clock: z
    .object({
      offsetMs: z.number().describe('Device minus platform; true within +/- boundMs.'),
      boundMs: z.number(),
      measuredAt: timeColumn(),
      syncClass: z.enum(['A', 'B', 'C', 'D']).describe('Within 1 ms, 10 ms, 100 ms, or worse.'),
    })
    .nullable()
    .describe('Null without an exchange of clocks.'),
  sequence: z
    .object({ received: count, lost: count, restarts: count, reordered: count })
    .nullable()
    .describe('Null without sequence numbers.'),
  rate: z
    .object({ messages: count, spanS: z.number(), messagesPerS: z.number() })
    .nullable()
    .describe('Of the last minutes.'),
  transport: z
    .object({
      messages: count,
      qos: z.array(count).describe('Messages of QoS 0, 1 and 2.'),
      retained: count.describe('With the retain flag, and readings in them.'),
      redelivered: count.describe('With the DUP flag.'),
      wills: count,
      meanBytes: z.number(),
      maxBytes: z.number(),
    })
    .nullable(),
  certificate: z
    .object({
      commonName: z.string(),
      fingerprint256: z.string(),
      validTo: timeColumn(),
      problem: z.string().nullable().describe('Why it is not trusted; null when it is.'),
      signedIn: z.boolean().describe('False: a password came with it.'),
      seenAt: timeColumn(),
    })
    .nullable()
    .describe('Of the last sign-in; null when that came without one.'),
  flags: z.record(z.string(), count).describe('Readings with each quality flag.'),
  unknownFields: z
    .record(z.string(), count)
    .describe('Readings with each name that their kind does not have; these are not stored.'),
})

export const conformanceRow = z.object({
  device: deviceColumn(),
  findings: z.array(findingRow).describe('The worst first.'),
  facts: factsRow,
})

export type ConformanceRow = z.output<typeof conformanceRow>

export function conformanceRowOf({ device, findings, facts }: ConformanceReport): ConformanceRow {
  return { device, findings: [...findings], facts: factsOf(facts) }
}

function factsOf(facts: ConformanceFacts): ConformanceRow['facts'] {
  const { firstReceivedAtNs, lastReceivedAtNs, clock, certificate, ...rest } = facts
  return {
    ...rest,
    transport: rest.transport && { ...rest.transport, qos: [...rest.transport.qos] },
    flags: { ...rest.flags },
    unknownFields: { ...rest.unknownFields },
    firstReceivedAt: firstReceivedAtNs,
    lastReceivedAt: lastReceivedAtNs,
    clock: clock && {
      offsetMs: clock.offsetMs,
      boundMs: clock.boundMs,
      measuredAt: clock.measuredAtNs,
      syncClass: clock.syncClass,
    },
    certificate: certificate && {
      commonName: certificate.commonName,
      fingerprint256: certificate.fingerprint256,
      validTo: certificate.validToNs,
      problem: certificate.problem,
      signedIn: certificate.signedIn,
      seenAt: certificate.seenAtNs,
    },
  }
}
