import mqttPacket from 'mqtt-packet'
import { describe, expect, it } from 'vitest'
import { protocolLevelOf } from '#lib/mqtt/connect.ts'
import { createFrame, readFrame } from '#lib/mqtt/frame.ts'

describe('the protocol level of a CONNECT', () => {
  const levelOf = (bytes: Buffer) => {
    const frame = createFrame()
    readFrame(bytes, 0, 1000, frame)
    return protocolLevelOf(bytes, frame)
  }

  it.each([3, 4, 5] as const)('is read for version %i', (protocolVersion) => {
    const bytes = mqttPacket.generate({
      cmd: 'connect',
      protocolId: protocolVersion === 3 ? 'MQIsdp' : 'MQTT',
      protocolVersion,
      clean: true,
      clientId: 'c',
      keepalive: 0,
    })
    expect(levelOf(bytes)).toBe(protocolVersion)
  })

  it('is null when the protocol name reaches beyond the packet', () => {
    expect(levelOf(Buffer.from([0x10, 4, 0, 99, 1, 2]))).toBe(null)
  })
})
