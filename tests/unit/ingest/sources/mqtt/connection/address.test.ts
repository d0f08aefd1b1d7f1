import { describe, expect, it } from 'vitest'
import { parseAddress } from '../../../../../../ingest/sources/mqtt/connection/address.ts'

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

  it.each(['http://b', 'mqtt://', 'b:1883', 'mqtt://u:100%@b'])('%s is refused', (url) => {
    expect(parseAddress(url)).toBeNull()
  })
})
