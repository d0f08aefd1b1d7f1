import { describe, expect, it } from 'vitest'
import type { ForwardPacket } from '../../../../broker/aedes/emitter.ts'
import {
  OFFLINE_BYTES,
  OfflineBytes,
  OfflineQueue,
} from '../../../../broker/sessions/offline-queue.ts'

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

const queueOf = (maxMessages: number, bytes = new OfflineBytes(), tenant = 'acme') =>
  new OfflineQueue({ maxMessages, tenant, bytes })

describe('the offline queue', () => {
  it('lets the oldest go above its limit and keeps the order', () => {
    const queue = queueOf(2)
    expect([1, 2, 3].map((counter) => queue.add(packet(counter)))).toEqual([0, 0, 1])
    expect(queue.list().map(({ brokerCounter }) => brokerCounter)).toEqual([2, 3])
  })

  it('keeps nothing when its limit is 0', () => {
    const queue = queueOf(0)
    expect(queue.add(packet(1))).toBe(1)
    expect(queue.list()).toEqual([])
  })

  it('takes out what was acknowledged, and what was shed before it had an id', () => {
    const queue = queueOf(10)
    for (const counter of [1, 2, 3]) queue.add(packet(counter))
    queue.update({ cmd: 'publish', brokerId: 'b', brokerCounter: 2, messageId: 70 })
    expect(queue.remove({ cmd: 'puback', messageId: 70 })).toMatchObject({ brokerCounter: 2 })
    expect(queue.remove({ cmd: 'puback', messageId: 70 })).toBe(undefined)
    queue.remove({ cmd: 'publish', brokerCounter: 1, messageId: undefined })
    expect(queue.list().map(({ brokerCounter }) => brokerCounter)).toEqual([3])
  })

  it('puts a PUBREL in the place of its message until PUBCOMP', () => {
    const queue = queueOf(10)
    queue.add(packet(1))
    queue.update({ cmd: 'publish', brokerId: 'b', brokerCounter: 1, messageId: 5 })
    queue.update({ cmd: 'pubrel', messageId: 5 })
    expect(queue.list()).toEqual([{ cmd: 'pubrel', messageId: 5 }])
    queue.remove({ cmd: 'pubcomp', messageId: 5 })
    expect(queue.list()).toEqual([])
  })

  const large = (brokerCounter: number, bytes: number): ForwardPacket => ({
    ...packet(brokerCounter),
    payload: Buffer.alloc(bytes),
  })

  it('lets as many of the oldest go as a large message needs', () => {
    const queue = queueOf(100)
    const quarter = OFFLINE_BYTES.ofSession / 4
    expect([1, 2, 3, 4].map((counter) => queue.add(large(counter, quarter - 10)))).toEqual([
      0, 0, 0, 0,
    ])
    expect(queue.add(large(5, quarter * 2))).toBe(2)
    expect(queue.add(large(6, OFFLINE_BYTES.ofSession + 1))).toBe(4)
    expect(queue.list()).toEqual([])
  })

  it('counts the bytes of a tenant over all its sessions, and takes nothing from another', () => {
    const bytes = new OfflineBytes()
    const other = queueOf(100, bytes, 'borg')
    other.add(packet(1))
    const before = bytes.all
    const size = OFFLINE_BYTES.ofSession - 100
    const many = Array.from({ length: 20 }, () => queueOf(100, bytes))
    const dropped = many.map((queue) => queue.add(large(1, size)))
    const kept = dropped.filter((n) => n === 0).length
    expect(kept).toBe(Math.floor(OFFLINE_BYTES.ofTenant / size))
    expect(bytes.all - before).toBe(kept * (size + 'acme/x'.length))
    expect(other.add(packet(2))).toBe(0)
    many[0]?.remove({ cmd: 'publish', brokerCounter: 1 })
    for (const queue of many.slice(1)) queue.clear()
    expect(bytes.all).toBe(before + packet(2).topic.length + 1)
  })
})
