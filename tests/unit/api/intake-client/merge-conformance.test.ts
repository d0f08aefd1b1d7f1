import { describe, expect, it } from 'vitest'
import type { ConformanceAnswer, ConformanceFinding } from '#lib/telemetry/conformance.ts'
import { mergeConformance } from '../../../../api/intake-client/merge-conformance.ts'
import { createMemoryPort } from '../memory-port.ts'

const { conformance: NEVER } = createMemoryPort().rows

function finding(code: string, example = code): ConformanceFinding {
  return { code, severity: 'warning', path: '', example, advice: '' }
}

function heard(atNs: bigint, messages: number, findings: string[]): ConformanceAnswer {
  return {
    device: 'acme.t1',
    findings: findings.map((code) => finding(code, `${code} at ${atNs}`)),
    facts: {
      ...NEVER.facts,
      firstReceivedAtNs: atNs - 10n,
      lastReceivedAtNs: atNs,
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

const silent: ConformanceAnswer = { ...NEVER, device: 'acme.t1', findings: [finding('silent')] }

describe('the conformance of a device over several intakes', () => {
  it('is that of the one that heard it', () => {
    const one = heard(100n, 3, ['sequence_gaps', 'qos0'])
    expect(mergeConformance([silent, one, silent])).toBe(one)
    expect(mergeConformance([silent, silent])).toBe(silent)
  })

  it('adds up what several counted, and says nothing of gaps that others may have filled', () => {
    const merged = mergeConformance([
      heard(100n, 3, ['sequence_gaps', 'stopped', 'schema']),
      silent,
      heard(200n, 1, ['sequence_gaps', 'schema', 'late']),
    ])
    expect(merged.findings.map(({ example }) => example)).toEqual(['schema at 200', 'late at 200'])
    expect(merged.facts).toMatchObject({
      firstReceivedAtNs: 90n,
      lastReceivedAtNs: 200n,
      read: 4,
      sequence: null,
      transport: { messages: 4, qos: [0, 4, 0], redelivered: 2, meanBytes: 250, maxBytes: 500 },
      flags: { late: 4 },
    })
  })
})
