import { describe, expect, it } from 'vitest'
import { OrderedAcks } from '../../../../../../ingest/sources/mqtt/connection/ordered-acks.ts'

const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

describe('acknowledgements to the foreign broker', () => {
  function acks() {
    const writes: number[][] = []
    const made = new OrderedAcks((bytes) => {
      const ids: number[] = []
      for (let at = 0; at < bytes.length; at += 4) {
        expect([bytes[at], bytes[at + 1]]).toEqual([0x40, 2])
        ids.push(bytes.readUInt16BE(at + 2))
      }
      writes.push(ids)
    })
    return { made, writes }
  }

  it('are written in the order of arrival, whatever becomes durable first', async () => {
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

  it('of one turn are one write, and many leave nothing in the queue', async () => {
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
