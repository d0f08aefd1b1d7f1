import { describe, expect, it } from 'vitest'
import { countTraffic, createTraffic, rateAt } from '../../../../ingest/conformance/traffic.ts'
import { journaled, T0, truckPayload } from '../../../support/messages.ts'

const S_NS = 1_000_000_000n
/** The start of a minute, so that the windows of the test are known. */
const START_NS = T0 - (T0 % (60n * S_NS))

function sent(atS: readonly number[]) {
  const traffic = createTraffic()
  for (const second of atS) {
    const receivedAtNs = START_NS + BigInt(second) * S_NS
    countTraffic(traffic, journaled(1, truckPayload(1), { receivedAtNs }), 'native', [])
  }
  return traffic
}

const seconds = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, at) => from + at)

const rate = (traffic: ReturnType<typeof sent>, atS: number) =>
  rateAt(traffic, START_NS + BigInt(atS) * S_NS)

describe('the traffic of a device', () => {
  it('has no rate before the first message, and one from the first seconds on', () => {
    expect(rate(createTraffic(), 0)).toBeNull()
    expect(rate(sent(seconds(10, 20)), 20)).toEqual({ messages: 10, spanS: 10, messagesPerS: 1 })
  })

  it('has the rate of the last minutes, whatever came before', () => {
    const busyThenSlow = sent([...seconds(0, 600), 660, 720, 780, 840, 900])
    expect(rate(busyThenSlow, 930)).toMatchObject({ messages: 5, spanS: 270 })
    expect(rate(busyThenSlow, 1140), 'one is left').toMatchObject({ messages: 1 })
    expect(rate(busyThenSlow, 5000), 'quiet since').toMatchObject({ messages: 0 })
  })

  it('counts minutes without messages as zero', () => {
    expect(rate(sent([0, 200]), 210)).toMatchObject({ messages: 2 })
    expect(rate(sent([0, 299]), 301), 'the first minute is out').toMatchObject({ messages: 1 })
    expect(rate(sent([0, 3000]), 3001)).toMatchObject({ messages: 1 })
  })

  it('counts QoS, flags of MQTT and bytes, and retained messages only with readings', () => {
    const traffic = createTraffic()
    const add = (more: object) => countTraffic(traffic, journaled(1, 'four', more), 'native', [])
    add({ qos: 0 })
    add({ qos: 1, dup: true })
    add({ qos: 2, retain: true, will: true })
    expect(traffic).toMatchObject({
      messages: 3,
      qos: [1, 1, 1],
      retained: 0,
      redelivered: 1,
      wills: 1,
      bytes: 12,
      maxBytes: 4,
      format: 'native',
    })
  })
})
