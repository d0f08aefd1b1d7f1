import { z } from 'zod'
import { isoOf } from '#lib/runtime/clock.ts'
import {
  SEVERITIES,
  type ConformanceAnswer,
  type ConformanceFacts,
} from '#lib/telemetry/conformance.ts'
import { ok } from '../replies/answer.ts'
import type { Api } from '../api.ts'
import type { Add } from '../endpoint.ts'
import { notFound } from '../replies/problem.ts'
import { idSchema, timeSchema } from '../replies/schemas.ts'

const findingSchema = z.object({
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

const count = z.number()

const factsSchema = z.object({
  kind: z.string(),
  registeredFormat: z.string(),
  lastFormat: z.string().nullable().describe('What read the last message.'),
  lastTopic: z.string().nullable(),
  firstReceivedAt: timeSchema.nullable(),
  lastReceivedAt: timeSchema.nullable(),
  read: count.describe('Messages dealt with: stored + rejected + duplicate.'),
  stored: count,
  rejected: count,
  duplicate: count,
  clock: z
    .object({
      offsetMs: z.number().describe('Device minus platform; true within +/- boundMs.'),
      boundMs: z.number(),
      measuredAt: timeSchema,
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
      validTo: timeSchema,
      problem: z.string().nullable().describe('Why it is not trusted; null when it is.'),
      signedIn: z.boolean().describe('False: a password came with it.'),
      seenAt: timeSchema,
    })
    .nullable()
    .describe('Of the last sign-in; null when that came without one.'),
  flags: z.record(z.string(), count).describe('Readings with each quality flag.'),
})

const conformanceSchema = z.object({
  device: idSchema,
  findings: z.array(findingSchema).describe('The worst first.'),
  facts: factsSchema,
})

export function addConformance(add: Add, { port }: Api): void {
  add({
    method: 'GET',
    url: '/devices/:id/conformance',
    permission: 'conformance:read',
    tag: 'registry',
    summary: 'What is right and wrong with what a device sends',
    params: { id: idSchema },
    answer: conformanceSchema,
    async handle({ names, params: { id }, signal }) {
      const device = names.findDevice(id)
      if (!device) return notFound('device', id)
      const answer = await port.ask('conformance', { device: device.id }, signal)
      if (answer.device !== device.id) {
        throw new Error('an answer of the ingest role is about another device than its question')
      }
      return ok(shown(answer, names.device(device.id)))
    },
  })
}

function shown({ findings, facts }: ConformanceAnswer, device: string): object {
  return { device, findings, facts: shownFacts(facts) }
}

function shownFacts(facts: ConformanceFacts): object {
  const { firstReceivedAtNs, lastReceivedAtNs, clock, certificate, ...rest } = facts
  return {
    ...rest,
    firstReceivedAt: timeOf(firstReceivedAtNs),
    lastReceivedAt: timeOf(lastReceivedAtNs),
    clock: clock && {
      offsetMs: clock.offsetMs,
      boundMs: clock.boundMs,
      measuredAt: isoOf(clock.measuredAtNs),
      syncClass: clock.syncClass,
    },
    certificate: certificate && {
      commonName: certificate.commonName,
      fingerprint256: certificate.fingerprint256,
      validTo: isoOf(certificate.validToNs),
      problem: certificate.problem,
      signedIn: certificate.signedIn,
      seenAt: isoOf(certificate.seenAtNs),
    },
  }
}

function timeOf(ns: bigint | null): string | null {
  return ns === null ? null : isoOf(ns)
}
