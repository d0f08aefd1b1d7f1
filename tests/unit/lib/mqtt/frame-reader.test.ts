import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FrameReader, type FrameHandler } from '#lib/mqtt/frame-reader.ts'
import { createUnread, forget, type Unread } from '#lib/mqtt/unread.ts'
import { propertyRuns } from '../../../support/random-runs.ts'

/** A packet of a type with that many letters as body. */
function packet(first: number, letter: string, length: number): Buffer {
  const digits: number[] = []
  for (let rest = length; ;) {
    const digit = rest % 128
    rest = Math.floor(rest / 128)
    digits.push(rest > 0 ? digit | 128 : digit)
    if (rest === 0) break
  }
  return Buffer.concat([Buffer.from([first, ...digits]), Buffer.alloc(length, letter)])
}

const MAX_BYTES = 1000
const HEAD_BYTES = 2000

/** A connection whose packets are written down; `mayTake` is called for each of them. */
function connection({ headBytes = HEAD_BYTES, mayTake = (): boolean => true } = {}) {
  const unread = createUnread()
  const seen = {
    packets: [] as string[],
    tooLarge: [] as string[],
    malformed: 0,
    isPaused: false,
    isClosed: false,
  }
  let readings = 0n
  const show = (bytes: Buffer, { at, end }: { at: number; end: number }) =>
    bytes.toString('latin1', at, Math.min(end, bytes.length))
  const handler: FrameHandler<Unread> = {
    take(_peer, frame, { bytes, receivedAtNs }) {
      seen.isPaused = !mayTake()
      if (!seen.isPaused) seen.packets.push(`${show(bytes, frame)}@${receivedAtNs}`)
      return !seen.isPaused
    },
    tooLarge: (_peer, frame, { bytes }) => void seen.tooLarge.push(show(bytes, frame)),
    malformed: () => void (seen.malformed += 1),
    isPaused: () => seen.isPaused,
    isClosed: () => seen.isClosed,
    waits: () => undefined,
  }
  const reader = new FrameReader(handler, { maxPacketBytes: MAX_BYTES, headBytes })
  return {
    unread,
    seen,
    /** Reads from a buffer that is overwritten afterwards, as the shared one of the broker. */
    read: (given: Buffer) => {
      const bytes = Buffer.from(given)
      readings += 1n
      const times = { receivedAtNs: readings, receivedMonoNs: readings }
      reader.read(unread, { bytes, ...times, borrowed: true })
      bytes.fill(0xee)
    },
    resume: () => {
      seen.isPaused = false
      reader.resume(unread)
    },
  }
}

const withoutTime = (shown: string) => shown.slice(0, shown.lastIndexOf('@'))
const text = (bytes: Buffer) => bytes.toString('latin1')

describe('the reader of frames', () => {
  it('cuts one read into packets with the time of the read', () => {
    const { read, seen } = connection()
    const packets = [packet(0x32, 'a', 5), packet(0xd0, 'b', 0), packet(0x3d, 'c', 200)]
    read(Buffer.concat(packets))
    expect(seen.packets).toEqual(packets.map((bytes) => `${text(bytes)}@1`))
  })

  it('gives the same packets however the bytes are cut and the connection is paused', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(1300), { minLength: 1, maxLength: 20 }),
        fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 30 }),
        fc.infiniteStream(fc.boolean()),
        fc.infiniteStream(fc.boolean()),
        (lengths, cuts, takes, resumes) => {
          const mayTake = () => takes.next().value === true
          const { read, resume, seen, unread } = connection({ mayTake })
          const packets = lengths.map((length, at) => packet(0x30, String(at % 10), length))
          const all = Buffer.concat(packets)
          for (let at = 0, n = 0; at < all.length; n += 1) {
            const end = at + (cuts[n % cuts.length] ?? 1)
            read(all.subarray(at, end))
            if (resumes.next().value === true) resume()
            at = end
          }
          while (seen.isPaused) resume()
          const isTooLarge = (bytes: Buffer) => bytes.length > MAX_BYTES
          const small = packets.filter((bytes) => !isTooLarge(bytes))
          expect(seen.packets.map(withoutTime)).toEqual(small.map(text))
          expect(seen.tooLarge).toEqual(packets.filter(isTooLarge).map(text))
          expect(unread).toEqual(createUnread())
        },
      ),
      propertyRuns(300),
    )
  })

  it('keeps what was not taken, and brings it again in order with its own time', () => {
    let isOpen = true
    const { read, resume, seen, unread } = connection({ mayTake: () => isOpen })
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((letter) => packet(0x30, letter, 3))
    const bytes = (...packets: (Buffer | undefined)[]) =>
      Buffer.concat(packets.filter((one) => one !== undefined))
    read(bytes(a))
    isOpen = false
    read(bytes(b, c))
    read(bytes(d))
    expect(unread.waitingBytes).toBe(15)
    resume()
    expect(seen.packets).toHaveLength(1)
    isOpen = true
    resume()
    expect(seen.packets.slice(1).map((shown) => shown.slice(2))).toEqual([
      'bbb@2',
      'ccc@2',
      'ddd@3',
    ])
    expect(unread.waitingBytes).toBe(0)
  })

  it('shows the beginning of a packet over the limit, skips it, and reads on', () => {
    const bytes = Buffer.concat([packet(0x32, 'x', 200_000), packet(0x30, 'y', 3)])
    for (const step of [bytes.length, 70_000, 999, 1]) {
      const { read, seen } = connection()
      for (let at = 0; at < bytes.length; at += step) read(bytes.subarray(at, at + step))
      expect(seen.tooLarge).toHaveLength(1)
      expect(seen.tooLarge[0]?.slice(4, HEAD_BYTES)).toBe('x'.repeat(HEAD_BYTES - 4))
      expect(seen.packets.map(withoutTime)).toEqual([text(packet(0x30, 'y', 3))])
    }
  })

  it('reports a packet over the limit with its header when nothing of it is wanted', () => {
    const { read, seen, unread } = connection({ headBytes: 0 })
    for (const byte of packet(0x32, 'x', 200_000).subarray(0, 4)) read(Buffer.from([byte]))
    expect(seen.tooLarge).toHaveLength(1)
    expect(unread.partial).toBeNull()
  })

  it('reserves no memory for a packet that is only announced', () => {
    const { read, unread } = connection()
    read(packet(0x32, 'x', 900).subarray(0, 3))
    expect(unread.partial?.length).toBeLessThan(10)
  })

  it('refuses a length of over four bytes, in one piece or in two', () => {
    const bytes = Buffer.from([0x30, 0x80, 0x80, 0x80, 0x80, 1])
    const whole = connection()
    whole.read(bytes)
    expect(whole.seen.malformed).toBe(1)
    const cut = connection()
    cut.read(bytes.subarray(0, 2))
    cut.read(bytes.subarray(2))
    expect(cut.seen.malformed).toBe(1)
  })

  it('hands over nothing after the connection is closed', () => {
    const { read, resume, seen, unread } = connection({ mayTake: () => false })
    read(packet(0x30, 'a', 3))
    seen.isClosed = true
    forget(unread)
    read(packet(0x30, 'b', 3))
    resume()
    expect(seen.packets).toEqual([])
  })
})
