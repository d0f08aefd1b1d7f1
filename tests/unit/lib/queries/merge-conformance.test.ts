import { describe, expect, it } from 'vitest'
import { conformanceRowOf, type ConformanceRow } from '#lib/queries/conformance-row.ts'
import { mergeConformance } from '#lib/queries/merge-conformance.ts'
import { createMemoryPort } from '../../api/memory-port.ts'

const NEVER = conformanceRowOf(createMemoryPort().rows.conformance)

function finding(code: string, example = code): ConformanceRow['findings'][number] {
  return { code, severity: 'warning', path: '', example, advice: '' }
}

function heard(atNs: bigint, messages: number, findings: string[]): ConformanceRow {
  return {
    device: 'acme.t1',
    findings: findings.map((code) => finding(code, `${code} at ${atNs}`)),
    facts: {
      ...NEVER.facts,
      firstReceivedAt: atNs - 10n,
      lastReceivedAt: atNs,
      read: messages,
      stored: messages,
      sequence: { received: messages, lost: 5, restarts: 0, reordered: 0 },
      transport: {
        messages,
        qos: [0, messages, 0],
        retained: 0,
        redelivered: 1,
        wills: 0,
        meanBytes: 100 * messages,
        maxBytes: 500,
      },
      flags: { late: messages },
    },
  }
}

const silent: ConformanceRow = { ...NEVER, device: 'acme.t1', findings: [finding('silent')] }

describe('the conformance of a device over several intakes', () => {
  it('is that of the one that heard it', () => {
    const one = heard(100n, 3, ['sequence_gaps', 'qos0'])
    expect(mergeConformance([silent, one, silent])).toBe(one)
    expect(mergeConformance([silent, silent])).toBe(silent)
  })

  it('adds up what several counted, and hides gaps that others may have filled', () => {
    const merged = mergeConformance([
      heard(100n, 3, ['sequence_gaps', 'stopped', 'schema']),
      silent,
      heard(200n, 1, ['sequence_gaps', 'schema', 'late']),
    ])
    expect(merged.findings.map(({ example }) => example)).toEqual(['schema at 200', 'late at 200'])
    expect(merged.facts).toMatchObject({
      firstReceivedAt: 90n,
      lastReceivedAt: 200n,
      read: 4,
      sequence: null,
      transport: { messages: 4, qos: [0, 4, 0], redelivered: 2, meanBytes: 250, maxBytes: 500 },
      flags: { late: 4 },
    })
  })

  it('has the worst first, whoever found it', () => {
    const one = heard(100n, 1, ['schema'])
    const worse = { ...one, findings: [{ ...finding('malformed'), severity: 'error' as const }] }
    const merged = mergeConformance([heard(200n, 1, ['late']), worse])
    expect(merged.findings.map(({ code }) => code)).toEqual(['malformed', 'late'])
  })

  it('takes the certificate from the intake of the last sign-in', () => {
    const signedInAt = (seenAt: bigint, of: ConformanceRow): ConformanceRow => {
      const dates = { validTo: 500n, seenAt }
      const names = { commonName: 'acme.t1', fingerprint256: 'AB:CD' }
      const certificate = { ...names, ...dates, problem: null, signedIn: true }
      return { ...of, facts: { ...of.facts, certificate } }
    }
    const renewed = signedInAt(90n, heard(100n, 1, ['schema']))
    const merged = mergeConformance([
      renewed,
      signedInAt(80n, heard(200n, 1, ['certificate_ending'])),
      heard(300n, 1, ['credential_ending']),
    ])
    expect(merged.findings.map(({ code }) => code)).toEqual(['schema'])
    expect(merged.facts.certificate).toEqual(renewed.facts.certificate)
    const unheard = {
      ...signedInAt(95n, silent),
      findings: [finding('silent'), finding('certificate_ending')],
    }
    const both = mergeConformance([renewed, unheard])
    expect(both.findings.map(({ code }) => code)).toEqual(['schema', 'certificate_ending'])
    expect(both.facts).toEqual({ ...renewed.facts, certificate: unheard.facts.certificate })
    expect(mergeConformance([silent, unheard])).toBe(unheard)
    const passwords = [heard(100n, 1, ['credential_ending']), heard(200n, 1, [])]
    expect(mergeConformance(passwords).findings.map(({ code }) => code)).toEqual([
      'credential_ending',
    ])
  })
})
