import { describe, expect, it } from 'vitest'
import { createFrame, readFrame } from '#lib/mqtt/frame.ts'

const MAX_BYTES = 1024 * 1024

describe('the fixed header of a packet', () => {
  it.each([
    [[], 'partial'],
    [[0x30], 'partial'],
    [[0x30, 0x80], 'partial'],
    [[0x30, 0x02, 0], 'partial'],
    [[0x30, 0x02, 0, 0], 'whole'],
    [[0x30, 0xff, 0xff, 0xff, 0xff], 'malformed'],
    [[0x30, 0xff, 0xff, 0xff, 0x7f], 'too-large'],
    [[0x30, 0x81, 0x80, 0x40], 'too-large'],
  ])('%j is %s', (bytes, state) => {
    expect(readFrame(Buffer.from(bytes), 0, MAX_BYTES, createFrame())).toBe(state)
  })

  it('counts towards the limit', () => {
    const bytes = Buffer.from([0x30, 8, 0, 1, 97, 1, 2, 3, 4, 5])
    expect(readFrame(bytes, 0, 10, createFrame())).toBe('whole')
    expect(readFrame(bytes, 0, 9, createFrame())).toBe('too-large')
  })

  it('gives type, flags and the places of the packet', () => {
    const bytes = Buffer.from([0, 0, 0x3d, 0x81, 0x01, ...Buffer.alloc(129)])
    const frame = createFrame()
    expect(readFrame(bytes, 2, MAX_BYTES, frame)).toBe('whole')
    expect(frame).toEqual({ type: 3, flags: 13, at: 2, bodyAt: 5, end: 134 })
  })
})
