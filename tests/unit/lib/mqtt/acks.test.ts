import * as fc from 'fast-check'
import mqttPacket from 'mqtt-packet'
import { describe, expect, it } from 'vitest'
import { ACK_BYTES, writeAck } from '#lib/mqtt/acks.ts'
import { PUBACK, PUBCOMP, PUBREC } from '#lib/mqtt/packet-types.ts'
import { propertyRuns } from '../../../support/random-runs.ts'

const TYPES = { puback: PUBACK, pubrec: PUBREC, pubcomp: PUBCOMP } as const

describe('an acknowledgement', () => {
  it('has the bytes that mqtt-packet writes', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('puback', 'pubrec', 'pubcomp'),
        fc.integer({ min: 1, max: 65_535 }),
        (cmd, messageId) => {
          const bytes = Buffer.alloc(ACK_BYTES)
          writeAck(bytes, 0, TYPES[cmd], messageId)
          expect(bytes.equals(mqttPacket.generate({ cmd, messageId }))).toBe(true)
        },
      ),
      propertyRuns(),
    )
  })
})
