import * as fc from 'fast-check'
import mqttPacket from 'mqtt-packet'
import { describe, expect, it } from 'vitest'
import { createFrame, readFrame } from '#lib/mqtt/frame.ts'
import { createPublishParts, isSameBytes, readPublish, writePublish } from '#lib/mqtt/publish.ts'
import type { ProtocolVersion } from '#lib/mqtt/packet-types.ts'
import { propertyRuns } from '../../../support/random-runs.ts'

const MAX_BYTES = 1024 * 1024

/** The fields of a PUBLISH as the plain reading of its bytes gives them; null: malformed. */
function read(bytes: Buffer, version: ProtocolVersion) {
  const frame = createFrame()
  expect(readFrame(bytes, 0, MAX_BYTES, frame)).toBe('whole')
  const parts = createPublishParts()
  if (!readPublish(bytes, frame, version, parts)) return null
  const { qos, retain, dup, topicAt, topicEnd, messageId, payloadAt } = parts
  return {
    topic: bytes.toString('utf8', topicAt, topicEnd),
    payload: bytes.subarray(payloadAt, frame.end),
    qos,
    retain,
    dup,
    messageId,
  }
}

const version = fc.constantFrom<ProtocolVersion>(4, 5)

describe('a PUBLISH', () => {
  it('is read as mqtt-packet writes it', () => {
    const fields = fc.record({
      topic: fc.stringMatching(/^[a-zæ/]{1,300}$/),
      payload: fc.uint8Array({ maxLength: 20_000 }).map((bytes) => Buffer.from(bytes)),
      qos: fc.constantFrom<0 | 1 | 2>(0, 1, 2),
      retain: fc.boolean(),
      isAgain: fc.boolean(),
      id: fc.integer({ min: 1, max: 65_535 }),
    })
    const word = fc.stringMatching(/^[a-z]{1,60}$/)
    // mqtt-packet writes an empty list of user properties as a packet that is too short.
    const userProperties = fc.dictionary(word, word, { minKeys: 1 })
    fc.assert(
      fc.property(fields, version, userProperties, (given, protocolVersion, properties) => {
        const { topic, payload, qos, retain, isAgain, id } = given
        const packet = { topic, payload, qos, retain, dup: qos > 0 && isAgain, messageId: id }
        const more = protocolVersion === 5 ? { properties: { userProperties: properties } } : {}
        const bytes = mqttPacket.generate(
          { cmd: 'publish', ...packet, ...more },
          { protocolVersion },
        )
        const messageId = qos === 0 ? 0 : id
        expect(read(bytes, protocolVersion)).toEqual({ ...packet, messageId })
      }),
      propertyRuns(),
    )
  })

  it.each([
    ['an empty topic', [0x30, 2, 0, 0]],
    ['a topic beyond the packet', [0x30, 3, 0, 9, 65]],
    ['no topic length', [0x30, 1, 0]],
    ['no message id', [0x32, 3, 0, 1, 65]],
    ['message id 0', [0x32, 6, 0, 1, 65, 0, 0, 0]],
    ['QoS 3', [0x36, 6, 0, 1, 65, 0, 1, 0]],
    ['properties beyond the packet', [0x30, 4, 0, 1, 65, 9]],
    ['a property length without an end', [0x30, 8, 0, 1, 65, 128, 128, 128, 128, 1]],
  ])('is malformed with %s', (_what, bytes) => {
    expect(read(Buffer.from(bytes), 5)).toBeNull()
  })

  it('of QoS 0 is written as mqtt-packet writes it', () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[a-zæ/]{1,40}$/),
        fc.string({ maxLength: 3, unit: 'binary' }),
        fc.constantFrom(0, 1, 40, 42, 43, 127, 128, 5460, 16_383, 16_384, 40_000),
        version,
        (topic, unit, times, protocolVersion) => {
          const payload = unit.repeat(times)
          const packet = { cmd: 'publish', qos: 0, retain: false, dup: false } as const
          const expected = mqttPacket.generate({ ...packet, topic, payload }, { protocolVersion })
          expect(writePublish(topic, payload, protocolVersion).equals(expected)).toBe(true)
        },
      ),
      propertyRuns(),
    )
  })
})

describe('the comparison of bytes', () => {
  it('gives what Buffer.equals gives', () => {
    const bytes = fc.uint8Array({ maxLength: 6, max: 2 })
    fc.assert(
      fc.property(bytes, bytes, fc.nat(6), fc.nat(6), (known, other, at, length) => {
        const end = Math.min(other.length, at + length)
        const from = Math.min(at, end)
        const expected = Buffer.from(known).equals(Buffer.from(other.subarray(from, end)))
        expect(isSameBytes(Buffer.from(known), Buffer.from(other), from, end)).toBe(expected)
      }),
      propertyRuns(2000),
    )
  })
})
