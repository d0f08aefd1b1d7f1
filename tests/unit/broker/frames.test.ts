import * as fc from 'fast-check'
import mqttPacket from 'mqtt-packet'
import { describe, expect, it } from 'vitest'
import { createFrame, encodePublish, protocolLevelOf, readFrame } from '../../../broker/frames.ts'

const SEED = process.env['SEED']
const parameters = SEED ? { seed: Number(SEED) } : {}
const MOST = 1024 * 1024

describe('frames', () => {
  it('finds the ends of packets as mqtt-packet writes them', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ topic: fc.stringMatching(/^[a-z/]{1,40}$/), bytes: fc.nat(40_000) }), {
          minLength: 1,
          maxLength: 5,
        }),
        (messages) => {
          const packets = messages.map(({ topic, bytes }) =>
            mqttPacket.generate({
              cmd: 'publish',
              topic,
              payload: Buffer.alloc(bytes),
              qos: 0,
              retain: false,
              dup: false,
            }),
          )
          const stream = Buffer.concat(packets)
          const frame = createFrame()
          let at = 0
          for (const packet of packets) {
            expect(readFrame(stream, at, MOST, frame)).toBe('whole')
            expect(frame.end - at).toBe(packet.length)
            at = frame.end
          }
        },
      ),
      parameters,
    )
  })

  it.each([
    [[], 'partial'],
    [[0x30], 'partial'],
    [[0x30, 0x80], 'partial'],
    [[0x30, 0x02, 0], 'partial'],
    [[0x30, 0x02, 0, 0], 'whole'],
    [[0x30, 0xff, 0xff, 0xff, 0xff], 'malformed'],
    [[0x30, 0xff, 0xff, 0xff, 0x7f], 'too-large'],
    [[0x30, 0x81, 0x80, 0x40], 'too-large'],
  ])('reads %j as %s', (bytes, state) => {
    expect(readFrame(Buffer.from(bytes), 0, MOST, createFrame())).toBe(state)
  })

  it('counts the header into the limit', () => {
    const bytes = Buffer.from([0x30, 8, 0, 1, 97, 1, 2, 3, 4, 5])
    expect(readFrame(bytes, 0, 10, createFrame())).toBe('whole')
    expect(readFrame(bytes, 0, 9, createFrame())).toBe('too-large')
  })

  it.each([3, 4, 5] as const)('reads protocol level %i of a CONNECT', (protocolVersion) => {
    const bytes = mqttPacket.generate({
      cmd: 'connect',
      protocolId: protocolVersion === 3 ? 'MQIsdp' : 'MQTT',
      protocolVersion,
      clean: true,
      clientId: 'c',
      keepalive: 0,
    })
    const frame = createFrame()
    readFrame(bytes, 0, MOST, frame)
    expect(protocolLevelOf(bytes, frame)).toBe(protocolVersion)
  })

  it('writes a PUBLISH that mqtt-packet writes the same', () => {
    for (const length of [0, 1, 100, 120, 16_370, 16_400, 100_000]) {
      const payload = 'ø'.repeat(length)
      const expected = mqttPacket.generate({
        cmd: 'publish',
        topic: 'a/ø',
        payload,
        qos: 0,
        retain: false,
        dup: false,
      })
      expect(encodePublish('a/ø', payload).equals(expected)).toBe(true)
    }
  })
})
