import { Readable } from 'node:stream'

/*
 * Several intakes have journals of their own, so a place in one says nothing about the others. The id of
 * an event is then a list: first the place of the event, then the places that the viewer has reached
 * in the other journals. Sent back as Last-Event-ID it resumes all of them without a gap.
 */

const BETWEEN = ','
const ID_LINE = /^id: (.*)$/gm

/** The part of an id that belongs to a journal; an id of one intake is a list of one. */
export function partOf(journal: string, lastId: string | null): string | null {
  if (lastId === null) return null
  // Without a part for this journal the viewer never received a place in it: that is a gap.
  return lastId.split(BETWEEN).find((part) => part.startsWith(`${journal}:`)) ?? lastId
}

/**
 * The streams of server-sent events of several intakes as one. Each chunk of them holds whole blocks.
 * It ends when one of them ends, and ends all of them: events of all intakes are shown, or none.
 */
export function mergedStreams(streams: readonly Readable[]): Readable {
  const [only, ...more] = streams
  if (only && more.length === 0) return only
  /** The last id sent to the viewer from each journal. */
  const ids = new Map<Readable, string>()
  const merged = new Readable({
    read() {
      for (const stream of streams) stream.resume()
    },
    destroy(error, done) {
      for (const stream of streams) stream.destroy()
      done(error)
    },
  })
  let hasEnded = false
  for (const stream of streams) {
    stream.on('data', (chunk: Buffer) => {
      if (hasEnded || merged.push(withAllIds(stream, chunk.toString()))) return
      for (const one of streams) one.pause()
    })
    stream.once('end', () => {
      if (!hasEnded) merged.push(null)
      hasEnded = true
    })
    stream.once('close', () => {
      if (!stream.readableEnded) merged.destroy()
    })
    stream.pause()
  }
  return merged

  /** Data lines begin with `data`, so an `id` line is one. */
  function withAllIds(stream: Readable, text: string): string {
    return text.replaceAll(ID_LINE, (_line, id: string) => {
      ids.set(stream, id)
      const others = [...ids].filter(([one]) => one !== stream).map(([, place]) => place)
      return `id: ${[id, ...others].join(BETWEEN)}`
    })
  }
}
