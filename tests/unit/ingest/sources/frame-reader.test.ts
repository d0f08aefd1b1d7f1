import { describe, expect, it } from 'vitest'
import { createRandom } from '#lib/runtime/random.ts'
import { createFrameReader, type Frame } from '../../../../ingest/sources/mqtt/frame-reader.ts'

const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000)

interface Seen {
  readonly frames: string[]
  readonly oversized: string[]
  malformed: number
}

function reader(maxPacketBytes = 1000, takes: () => boolean = () => true) {
  let nowNs = 0n
  const clock = { nowNs: () => (nowNs += 1n), monoNs: () => nowNs }
  const seen: Seen = { frames: [], oversized: [], malformed: 0 }
  const show = ({ bytes, type, flags, at, bodyAt, end, atNs }: Frame) =>
    `${type}.${flags} ${bodyAt - at}+${end - bodyAt} ` +
    `${bytes.toString('latin1', bodyAt, Math.min(end, bodyAt + 3))} @${atNs}`
  const frames = createFrameReader(clock, maxPacketBytes, {
    take(frame) {
      if (!takes()) return false
      seen.frames.push(show(frame))
      return true
    },
    oversized: (frame) => void seen.oversized.push(show(frame)),
    malformed: () => (seen.malformed += 1),
  })
  return { frames, seen }
}

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

describe('the frame reader', () => {
  it('cuts one read into packets, and notes the time of the read', () => {
    const { frames, seen } = reader()
    frames.read(Buffer.concat([packet(0x32, 'a', 5), packet(0xd0, 'b', 0), packet(0x3d, 'c', 200)]))
    expect(seen.frames).toEqual(['3.2 2+5 aaa @1', '13.0 2+0  @1', '3.13 3+200 ccc @1'])
  })

  it(`gives the same packets however the bytes are cut (SEED=${SEED})`, () => {
    const random = createRandom(SEED)
    const letters = 'abcdefghij'
    for (let round = 0; round < 200; round += 1) {
      const lengths = Array.from({ length: 20 }, () => random.integer(0, 400))
      const all = Buffer.concat(
        lengths.map((length, at) => packet(0x30, letters[at % 10] ?? '', length)),
      )
      const { frames, seen } = reader(1000)
      for (let at = 0; at < all.length;) {
        const end = at + random.integer(1, 300)
        frames.read(all.subarray(at, end))
        at = end
      }
      const sizes = seen.frames.map((frame) => Number(/\+(\d+)/.exec(frame)?.[1]))
      expect(sizes).toEqual(lengths)
      const first = seen.frames.map((frame) => frame.split(' ')[2]?.[0] ?? '')
      expect(first).toEqual(lengths.map((length, at) => (length > 0 ? letters[at % 10] : '')))
    }
  })

  it('keeps what was not wanted, and brings it again in order with its own time', () => {
    let open = true
    const { frames, seen } = reader(1000, () => open)
    frames.read(packet(0x30, 'a', 3))
    open = false
    frames.read(Buffer.concat([packet(0x30, 'b', 3), packet(0x30, 'c', 3)]))
    frames.read(packet(0x30, 'd', 3))
    expect(frames.blocked).toBe(true)
    frames.resume()
    expect(seen.frames).toEqual(['3.0 2+3 aaa @1'])
    open = true
    frames.resume()
    expect(frames.blocked).toBe(false)
    expect(seen.frames.slice(1)).toEqual(['3.0 2+3 bbb @2', '3.0 2+3 ccc @2', '3.0 2+3 ddd @3'])
  })

  it('shows the beginning of a packet over the limit, skips it, and reads on', () => {
    const bytes = Buffer.concat([packet(0x32, 'x', 200_000), packet(0x30, 'y', 3)])
    for (const step of [bytes.length, 70_000, 999]) {
      const { frames, seen } = reader(1000)
      for (let at = 0; at < bytes.length; at += step) frames.read(bytes.subarray(at, at + step))
      expect(seen.oversized.map((frame) => frame.slice(0, 17))).toEqual(['3.2 4+200000 xxx '])
      expect(seen.frames).toHaveLength(1)
      expect(seen.frames[0]).toMatch(/^3\.0 2\+3 yyy/)
    }
  })

  it('refuses a length of over four bytes, and hands over nothing after its stop', () => {
    const { frames, seen } = reader()
    frames.read(Buffer.from([0x30, 0x80, 0x80, 0x80, 0x80, 1]))
    expect(seen.malformed).toBe(1)
    frames.stop()
    frames.read(packet(0x30, 'a', 3))
    frames.resume()
    expect(seen.frames).toEqual([])
  })
})
