import { describe, expect, it } from 'vitest'
import { MAX_BATCH_ELEMENTS, slicesOf } from '../../../../ingest/worker-thread/batch-slices.ts'
import { journaled } from '../../../support/messages.ts'

const FROM = { segment: 1, offset: 100, position: 0 }
const NEXT = { segment: 2, offset: 50, position: 100 }

describe('slices of a batch', () => {
  it('are the batch itself where its messages have few elements', () => {
    const messages = Array.from({ length: 100 }, (_, at) => journaled(at + 1, '{"a":1,"b":2}'))
    expect([...slicesOf(messages, { from: FROM, next: NEXT })]).toEqual([
      { messages, cursor: NEXT },
    ])
  })

  it('have so many elements at most, in order, and end at positions of their own', () => {
    const third = Array.from({ length: Math.floor(MAX_BATCH_ELEMENTS / 2.5) }, () => 1)
    const messages = Array.from({ length: 7 }, (_, at) => journaled(at + 1, third))
    const slices = [...slicesOf(messages, { from: FROM, next: NEXT })]
    expect(slices.map(({ messages: part }) => part.map(({ position }) => position))).toEqual([
      [1, 2],
      [3, 4],
      [5, 6],
      [7],
    ])
    expect(slices.map(({ cursor }) => cursor.position)).toEqual([2, 4, 6, 100])
    expect(slices.at(-1)?.cursor).toEqual(NEXT)
  })

  it('do not cut a message', () => {
    const many = Array.from({ length: 5 * MAX_BATCH_ELEMENTS }, () => 1)
    const messages = [journaled(1, many), journaled(2, '{}')]
    const slices = [...slicesOf(messages, { from: FROM, next: NEXT })]
    expect(slices.map(({ messages: part }) => part.length)).toEqual([1, 1])
  })

  it('are one of nothing where nothing was read', () => {
    expect([...slicesOf([], { from: FROM, next: NEXT })]).toEqual([{ messages: [], cursor: NEXT }])
  })
})
