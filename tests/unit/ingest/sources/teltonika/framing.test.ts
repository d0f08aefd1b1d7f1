import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { crc16 } from '../../../../../ingest/formats/teltonika-codec8/crc16.ts'
import { pingsAt, readLogin, readPacket } from '../../../../../ingest/sources/teltonika/framing.ts'
import { propertyRuns } from '../../../../support/random-runs.ts'

/** wiki.teltonika-gps.com, Teltonika Data Sending Protocols: login and first example of Codec 8. */
const WIKI_LOGIN = Buffer.from('000F333536333037303432343431303133', 'hex')
const WIKI_PACKET = Buffer.from(
  '000000000000003608010000016B40D8EA30010000000000000000000000000000000105021503010101425E0F01F10000601A014E0000000000000000010000C7CF',
  'hex',
)
const MAX_BYTES = 16 * 1024

describe('the login of a tracker', () => {
  it('is the IMEI of the example in the wiki of its maker', () => {
    expect(readLogin(WIKI_LOGIN)).toEqual({ imei: '356307042441013', used: 17 })
  })

  it('is read when it is whole', () => {
    for (let bytes = 0; bytes < WIKI_LOGIN.length; bytes += 1) {
      expect(readLogin(WIKI_LOGIN.subarray(0, bytes))).toBeNull()
    }
  })

  it('of another length or with other characters is a fault at once', () => {
    expect(readLogin(Buffer.from('GET / HTTP/1.1'))).toMatchObject({ reason: 'login' })
    const signs = Buffer.concat([Buffer.of(0, 15), Buffer.from('35630704244101a')])
    expect(readLogin(signs)).toMatchObject({ reason: 'login' })
  })
})

describe('the framing of packets', () => {
  it('finds the example of the wiki with its checksum and its record', () => {
    expect(readPacket(WIKI_PACKET, MAX_BYTES)).toEqual({
      frame: WIKI_PACKET,
      isIntact: true,
      records: 1,
      used: WIKI_PACKET.length,
    })
  })

  it('waits for the end of a packet and leaves what follows it', () => {
    for (let bytes = 0; bytes < WIKI_PACKET.length; bytes += 1) {
      expect(readPacket(WIKI_PACKET.subarray(0, bytes), MAX_BYTES)).toBeNull()
    }
    const two = Buffer.concat([WIKI_PACKET, Buffer.of(0, 0)])
    expect(readPacket(two, MAX_BYTES)).toMatchObject({ used: WIKI_PACKET.length })
  })

  it('reports a wrong checksum', () => {
    const broken = Buffer.from(WIKI_PACKET)
    broken.writeUInt8(0x11, 20)
    expect(readPacket(broken, MAX_BYTES)).toMatchObject({ isIntact: false, records: 1 })
  })

  it('does not count the records of a response to a command', () => {
    const text = Buffer.from('done')
    const data = Buffer.concat([Buffer.of(12, 1, 6, 0, 0, 0, text.length), text, Buffer.of(1)])
    const frame = Buffer.alloc(12 + data.length)
    frame.writeUInt32BE(data.length, 4)
    data.copy(frame, 8)
    frame.writeUInt32BE(crc16(data), 8 + data.length)
    expect(readPacket(frame, MAX_BYTES)).toMatchObject({ isIntact: true, records: null })
  })

  it('refuses a packet over the limit before its bytes have come', () => {
    const head = Buffer.from('000000007fffffff', 'hex')
    expect(readPacket(head, MAX_BYTES)).toMatchObject({ reason: 'packet_size' })
    expect(readPacket(Buffer.from('0000000000000002', 'hex'), MAX_BYTES)).toMatchObject({
      reason: 'framing',
    })
  })

  it('reads any bytes without an exception', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (given) => {
        const bytes = Buffer.from(given)
        const [login, packet] = [readLogin(bytes), readPacket(bytes, 256)]
        const used = [login, packet].map((one) => (one && 'used' in one ? one.used : 0))
        expect(Math.max(...used, pingsAt(bytes))).toBeLessThanOrEqual(bytes.length)
      }),
      propertyRuns(2000),
    )
  })
})
