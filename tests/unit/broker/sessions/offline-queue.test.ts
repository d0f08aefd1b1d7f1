import { describe, expect, it } from 'vitest'
import type { ForwardPacket } from '../../../../broker/aedes/emitter.ts'
import { createOfflineQueue } from '../../../../broker/sessions/offline-queue.ts'

const packet = (brokerCounter: number): ForwardPacket => ({
  cmd: 'publish',
  brokerId: 'b',
  brokerCounter,
  topic: 'acme/x',
  payload: Buffer.from(String(brokerCounter)),
  qos: 1,
  retain: false,
  dup: false,
  messageId: undefined,
})

describe('the offline queue', () => {
  it('lets the oldest go above its limit and keeps the order', () => {
    const queue = createOfflineQueue(2)
    expect([1, 2, 3].map((counter) => queue.add(packet(counter)))).toEqual([true, true, false])
    expect(queue.list().map(({ brokerCounter }) => brokerCounter)).toEqual([2, 3])
  })

  it('keeps nothing when its limit is 0', () => {
    const queue = createOfflineQueue(0)
    expect(queue.add(packet(1))).toBe(false)
    expect(queue.list()).toEqual([])
  })

  it('takes out what was acknowledged, and what was shed before it had an id', () => {
    const queue = createOfflineQueue(10)
    for (const counter of [1, 2, 3]) queue.add(packet(counter))
    queue.update({ cmd: 'publish', brokerId: 'b', brokerCounter: 2, messageId: 70 })
    expect(queue.remove({ cmd: 'puback', messageId: 70 })).toMatchObject({ brokerCounter: 2 })
    expect(queue.remove({ cmd: 'puback', messageId: 70 })).toBe(undefined)
    queue.remove({ cmd: 'publish', brokerCounter: 1, messageId: undefined })
    expect(queue.list().map(({ brokerCounter }) => brokerCounter)).toEqual([3])
  })

  it('puts a PUBREL in the place of its message until PUBCOMP', () => {
    const queue = createOfflineQueue(10)
    queue.add(packet(1))
    queue.update({ cmd: 'publish', brokerId: 'b', brokerCounter: 1, messageId: 5 })
    queue.update({ cmd: 'pubrel', messageId: 5 })
    expect(queue.list()).toEqual([{ cmd: 'pubrel', messageId: 5 }])
    queue.remove({ cmd: 'pubcomp', messageId: 5 })
    expect(queue.list()).toEqual([])
  })
})
