import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { describe, expect, it } from 'vitest'
import { mergedStreams, partOf } from '../../../../api/live/merged-stream.ts'
import { waitFor } from '../../../support/wait-for.ts'

const [A, B] = ['a', 'b'].map((letter) => letter.repeat(36))

const block = (id: string, data = '{}') => `event: reading\nid: ${id}\ndata: ${data}\n\n`
const streamOf = () => new Readable({ read() {} })

describe('live streams of several intakes as one', () => {
  it('are the stream itself where there is one', () => {
    const only = streamOf()
    expect(mergedStreams([only])).toBe(only)
  })

  it('add the positions of the other intakes to each id, and leave the data unchanged', async () => {
    const [a, b] = [streamOf(), streamOf()]
    const merged = mergedStreams([a, b])
    let all = ''
    merged.on('data', (chunk: Buffer) => (all += chunk.toString()))
    a.push(block(`${A}:1.0`, '{"x":"id: 7"}') + block(`${A}:2.0`))
    await waitFor(() => all.includes(`${A}:2.0`))
    b.push(block(`${B}:9.0`))
    await waitFor(() => all.includes(`${B}:9.0`))
    a.push(block(`${A}:3.0`))
    await waitFor(() => all.includes(`${A}:3.0`))
    expect(all).toBe(
      block(`${A}:1.0`, '{"x":"id: 7"}') +
        block(`${A}:2.0`) +
        block(`${B}:9.0,${A}:2.0`) +
        block(`${A}:3.0,${B}:9.0`),
    )
  })

  it('end together: a viewer sees all intakes or none', async () => {
    const [a, b] = [streamOf(), streamOf()]
    const merged = mergedStreams([a, b])
    a.push(block(`${A}:1.0`))
    a.push(null)
    expect(await text(merged)).toBe(block(`${A}:1.0`))
    await waitFor(() => b.destroyed)
  })

  it('are cut together', async () => {
    const [a, b] = [streamOf(), streamOf()]
    const merged = mergedStreams([a, b])
    merged.on('error', () => {})
    b.destroy()
    await waitFor(() => merged.destroyed && a.destroyed)
  })

  it('are read no faster than the viewer reads', async () => {
    let pushed = 0
    const endless = new Readable({
      read() {
        pushed += 1
        this.push(block(`${A}:${pushed}.0`, JSON.stringify('x'.repeat(1000))))
      },
    })
    const merged = mergedStreams([endless, streamOf()])
    merged.read(0)
    let before = -1
    await waitFor(() => {
      const isStill = before === pushed
      before = pushed
      return isStill && pushed > 0
    })
    expect(pushed).toBeLessThan(1000)
    merged.destroy()
  })
})

describe('the part of an id that belongs to an intake', () => {
  it('is found anywhere in the id; an id without one belongs to no intake', () => {
    const id = `${A}:3.0,${B}:9.02`
    expect(partOf(String(A), id)).toBe(`${A}:3.0`)
    expect(partOf(String(B), id)).toBe(`${B}:9.02`)
    expect(partOf('c'.repeat(36), id)).toBe(id)
    expect(partOf(String(A), null)).toBeNull()
  })
})
