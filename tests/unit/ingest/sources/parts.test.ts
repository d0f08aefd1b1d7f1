import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import mqttPacket from 'mqtt-packet'
import { describe, expect, it } from 'vitest'
import { createAcks } from '../../../../ingest/sources/mqtt/acks.ts'
import { parseAddress } from '../../../../ingest/sources/mqtt/address.ts'
import { sharedFilter, wantedFilters } from '../../../../ingest/sources/mqtt/filters.ts'
import { readDelivery } from '../../../../ingest/sources/mqtt/packets.ts'
import { connackReason, reasonOf } from '../../../../ingest/sources/mqtt/reasons.ts'
import { openSessionFile } from '../../../../ingest/sources/mqtt/session-file.ts'
import { temporaryDir } from '../../../support/platform.ts'

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('the address of a foreign broker', () => {
  it.each([
    ['mqtt://b.example', ['b.example', 1883, false, null, null, 'mqtt://b.example:1883']],
    ['mqtts://u:p@b.example', ['b.example', 8883, true, 'u', 'p', 'mqtts://b.example:8883']],
    ['mqtt://u%40x:a%2Fb%20c@[::1]:99', ['::1', 99, false, 'u@x', 'a/b c', 'mqtt://[::1]:99']],
    ['mqtt://:secret@b', ['b', 1883, false, '', 'secret', 'mqtt://b:1883']],
  ])('%s', (url, expected) => {
    const { host, port, tls, username, password, shown } = parseAddress(url) ?? {}
    expect([host, port, tls, username, password, shown]).toEqual(expected)
  })

  it.each(['http://b', 'mqtt://', 'b:1883', 'mqtt://u:100%@b'])('%s is none', (url) => {
    expect(parseAddress(url)).toBeNull()
  })
})

describe('acknowledgements', () => {
  function acks() {
    const writes: number[][] = []
    const made = createAcks((bytes) => {
      const ids: number[] = []
      for (let at = 0; at < bytes.length; at += 4) {
        expect([bytes[at], bytes[at + 1]]).toEqual([0x40, 2])
        ids.push(bytes.readUInt16BE(at + 2))
      }
      writes.push(ids)
    })
    return { made, writes }
  }

  it('leave in the order of arrival, whatever becomes durable first', async () => {
    const { made, writes } = acks()
    const [first, second, third] = [7, 65_535, 9].map((id) => made.expect(id))
    third?.()
    second?.()
    await turn()
    expect(writes).toEqual([])
    expect(made.open).toBe(3)
    first?.()
    await turn()
    expect(writes).toEqual([[7, 65_535, 9]])
    expect(made.open).toBe(0)
  })

  it('of one turn leave in one write, and many leave nothing behind', async () => {
    const { made, writes } = acks()
    for (let round = 0; round < 50; round += 1) {
      const ready = Array.from({ length: 100 }, (_, at) => made.expect(at + 1))
      for (const call of ready) call()
      await turn()
    }
    expect(writes).toHaveLength(50)
    expect(writes.flat()).toHaveLength(5000)
    expect(made.open).toBe(0)
  })
})

describe('a delivery', () => {
  const frameOf = (bytes: Buffer, headerBytes = 2) => ({
    bytes,
    type: 3,
    flags: (bytes[0] ?? 0) & 15,
    at: 0,
    bodyAt: headerBytes,
    end: bytes.length,
    atNs: 5n,
    monoNs: 6n,
  })

  it.each([4, 5] as const)('is read as mqtt-packet writes it (version %s)', (protocolVersion) => {
    const properties = protocolVersion === 5 ? { contentType: 'x', userProperties: { a: 'b' } } : {}
    const packet = {
      cmd: 'publish',
      topic: 'a/\u00e6',
      payload: 'hello',
      qos: 1,
      messageId: 513,
      dup: true,
      retain: true,
      properties,
    } as const
    const delivery = readDelivery(
      frameOf(mqttPacket.generate(packet, { protocolVersion })),
      protocolVersion,
    )
    expect(delivery).toMatchObject({
      topic: 'a/\u00e6',
      qos: 1,
      messageId: 513,
      dup: true,
      retain: true,
    })
    expect(String(delivery?.payload)).toBe('hello')
    expect(delivery).toMatchObject({ atNs: 5n, monoNs: 6n })
  })

  it.each([
    ['no topic', [0x30, 2, 0, 0]],
    ['a topic beyond the packet', [0x30, 3, 0, 9, 65]],
    ['no message id', [0x32, 3, 0, 1, 65]],
    ['message id 0', [0x32, 6, 0, 1, 65, 0, 0, 0]],
    ['QoS 3', [0x36, 6, 0, 1, 65, 0, 1, 0]],
    ['properties beyond the packet', [0x30, 4, 0, 1, 65, 9]],
  ])('is malformed with %s', (_what, bytes) => {
    expect(readDelivery(frameOf(Buffer.from(bytes)), 5)).toBeNull()
  })
})

describe('reasons', () => {
  it('are the same for both versions of a refused sign-in', () => {
    expect(connackReason(0, 5, 3)).toBeNull()
    expect(connackReason(4, 4, 2)).toEqual(connackReason(0x86, 5, 3))
    expect(connackReason(5, 4, 2)).toEqual(connackReason(0x87, 5, 3))
    expect(connackReason(1, 5, 2)).toMatchObject({ sort: 'version' })
    expect(connackReason(0x84, 5, 3)).toMatchObject({ sort: 'version' })
    expect(reasonOf(0xfe)).toMatchObject({ sort: 'passing' })
  })
})

describe('filters', () => {
  it('are the native tree and the topics of the devices, none within another', () => {
    const devices = [{ topics: ['uagv/v2/K/1/#', 'a/b'] }, { topics: ['a/b', 'uagv/v2/K/1/state'] }]
    expect(wantedFilters(null, devices)).toEqual(['a/b', 'padborg/v1/#', 'uagv/v2/K/1/#'])
    expect(wantedFilters(['#', 'a/+', '+/#', '$x/y'], devices)).toEqual(['#', '$x/y'])
    expect(wantedFilters(['a/+/c', 'a/b/+'], devices)).toEqual(['a/+/c', 'a/b/+'])
  })

  it('are shared by a name', () => {
    expect(sharedFilter('g', 'a/#')).toBe('$share/g/a/#')
    expect(sharedFilter(null, 'a/#')).toBe('a/#')
  })
})

describe('the file of the session', () => {
  it('keeps client id and filters, and is not written over when it is damaged', () => {
    const dir = temporaryDir('session-file')
    const path = join(dir.path, 'foreign-broker.json')
    const made = openSessionFile(path)
    expect(made.filters).toEqual([])
    made.save(['a/#'])
    const again = openSessionFile(path)
    expect(again).toMatchObject({ clientId: made.clientId, filters: ['a/#'] })
    writeFileSync(path, '{"clientId":7}')
    expect(() => openSessionFile(path)).toThrow(
      /expected the client id and filters.*remove the file/s,
    )
    expect(readFileSync(path, 'utf8')).toBe('{"clientId":7}')
    mkdirSync(join(dir.path, 'x'))
    expect(() => openSessionFile(join(dir.path, 'x'))).toThrow(/x: expected the client id/)
    dir.remove()
  })
})
