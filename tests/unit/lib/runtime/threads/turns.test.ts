import { describe, expect, it } from 'vitest'
import { Turns } from '#lib/runtime/threads/turns.ts'

describe('turns of the event loop', () => {
  it('go round robin, however much one of them waits for', async () => {
    const turns = new Turns()
    const order: string[] = []
    const slice = async (owner: string) => {
      await turns.next(owner)
      order.push(owner)
    }
    await Promise.all([...['a', 'a', 'a', 'a'].map(slice), slice('b'), slice('c'), slice('b')])
    expect(order).toEqual(['a', 'b', 'c', 'a', 'b', 'a', 'a'])
  })

  it('let other work in between two slices', async () => {
    const turns = new Turns()
    const order: string[] = []
    const long = (async () => {
      for (let n = 0; n < 3; n += 1) {
        await turns.next('a')
        order.push('slice')
        if (n === 0) setImmediate(() => order.push('other'))
      }
    })()
    await long
    expect(order).toEqual(['slice', 'other', 'slice', 'slice'])
  })
})
