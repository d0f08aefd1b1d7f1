import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { isPlatformError } from '#lib/runtime/errors.ts'
import { createFileLayer } from '../../../../../ingest/journal/files/file-layer.ts'
import { encodeRecord, sealGroup } from '../../../../../ingest/journal/record.ts'
import { seedOf } from '../../../../../ingest/journal/segments/segment-header.ts'
import { createSlab } from '../../../../../ingest/journal/segments/slab.ts'
import { temporaryDir } from '../../../../support/platform.ts'
import { waitFor } from '../../../../support/wait-for.ts'
import {
  appended,
  captureLog,
  ERROR_LEVEL,
  messageOf,
  openSmall,
  readAll,
} from '../journal-fixture.ts'

/** Each message fills a group of its own, seven to a segment. */
const PAYLOAD_BYTES = 400

describe('damaged journal', () => {
  const dir = temporaryDir('journal-damage')
  let count = 0
  afterAll(() => dir.remove())

  /** A closed journal of so many messages; its segments in order. */
  async function journalOf(messages: number) {
    const path = join(dir.path, String((count += 1)))
    const { journal } = await openSmall(createFileLayer(), path)
    for (let number = 1; number <= messages; number += 1) {
      // With a spare at hand each time the segments are alike.
      await waitFor(() => journal.status().bytes === (journal.status().segments + 1) * 4096)
      await appended(journal, filled(number))
    }
    await journal.close()
    return { path, id: journal.id, segments: segmentsIn(path) }
  }

  /** What a new start says and what can be read then. */
  async function reopened(path: string, since = 0) {
    const { log, lines } = captureLog()
    const { journal, report } = await openSmall(createFileLayer(), path, { since })
    const read = readAll({ dir: path, id: journal.id, log }, journal.durable, { after: since })
    const positions = read.map(({ position }) => position)
    for (const { position, payload } of read) {
      expect(payload.every((byte) => byte === position)).toBe(true)
    }
    const readerErrors = lines.filter(({ level }) => level === ERROR_LEVEL)
    const next = await appended(journal, filled(report.lastPosition + 1))
    await journal.close()
    return { report, positions, readerErrors, next }
  }

  it('reads on after a bad group when a later group proves it was durable, and names the lost positions', async () => {
    const { path, segments } = await journalOf(20)
    const offset = offsetOf(segments[0], 3)
    const bytes = offsetOf(segments[0], 4) - offset
    flip(segments[0], offset + 100)
    const { report, positions, readerErrors, next } = await reopened(path)
    expect(positions).toEqual(without(20, 3, 3))
    const damage = { segment: 1, offset, bytes, lost: { first: 3, last: 3 } }
    const what = expect.stringContaining('checksum')
    expect(report.corruptions).toEqual([{ ...damage, what }])
    expect(readerErrors).toMatchObject([{ ...damage, code: 'JOURNAL_CORRUPT' }])
    expect(next).toBe(21)
  })

  it('reports damage of the last group of a sealed segment', async () => {
    const { path, segments } = await journalOf(20)
    const last = lastPositionOf(segments[0])
    flip(segments[0], offsetOf(segments[0], last) + 200)
    const { report, positions } = await reopened(path)
    expect(positions).toEqual(without(20, last, last))
    expect(report.corruptions).toMatchObject([{ segment: 1, lost: { first: last, last } }])
  })

  it('reads a segment whose header is bad, and reports it', async () => {
    const { path, segments } = await journalOf(20)
    flip(segments[1], 40)
    const { report, positions } = await reopened(path)
    expect(positions).toEqual(without(20))
    expect(report.corruptions).toMatchObject([
      { segment: 2, offset: 0, bytes: 96, lost: null, what: expect.stringContaining('header') },
    ])
  })

  it('restores a header that was torn with its first group, also after empty files', async () => {
    const { path } = await journalOf(1)
    const empty = join(path, '0000000000000002.seg')
    writeFileSync(empty, Buffer.alloc(4096))
    expect((await reopened(path)).next).toBe(2)
    writeFileSync(empty, Buffer.alloc(4096))
    flip(segmentsIn(path).at(-1), 60)
    for (const last of [2, 3]) {
      const { report, positions } = await reopened(path)
      expect(report).toMatchObject({ corruptions: [], lastPosition: last })
      expect(positions).toEqual(without(last))
    }
  })

  it('survives a flipped byte anywhere and loses no other group', async () => {
    const { path, segments } = await journalOf(12)
    const pristine = segments.map((segment) => readFileSync(segment))
    for (let step = 0; step < 40; step += 1) {
      for (const [index, bytes] of pristine.entries()) writeFileSync(segments[index] ?? '', bytes)
      for (const name of segmentsIn(path).slice(segments.length)) rmSync(name)
      const place = 1 + step * 97
      flip(segments[0], place)
      const { report, positions } = await reopened(path)
      const isPadding = report.corruptions.length === 0
      expect(positions.length, `byte ${place}`).toBeGreaterThanOrEqual(isPadding ? 12 : 11)
      const lost = report.corruptions.flatMap(({ lost }) => (lost ? [lost.first] : []))
      expect([...positions, ...lost].toSorted((a, b) => a - b)).toEqual(without(12))
    }
  })

  it('takes a cut end of a sealed segment for damage, not for a torn write', async () => {
    const { path, segments } = await journalOf(20)
    const last = lastPositionOf(segments[0])
    truncateSync(segments[0] ?? '', offsetOf(segments[0], last - 1) + 50)
    const { report, positions } = await reopened(path)
    expect(positions).toEqual(without(20, last - 1, last))
    expect(report.corruptions).toMatchObject([{ segment: 1, lost: { first: last - 1, last } }])
  })

  it('takes a bad last group of the newest segment for a torn write', async () => {
    const { path, segments } = await journalOf(20)
    const newest = segments.at(-1)
    truncateSync(newest ?? '', offsetOf(newest, 20) + 200)
    const { report, positions, next } = await reopened(path)
    expect(positions).toEqual(without(19))
    expect(report).toMatchObject({ corruptions: [], tornBytes: 200, lastPosition: 19 })
    expect(next).toBe(20)
  })

  it('never takes a record inside a payload for one of its own', async () => {
    const { path, id } = await journalOf(0)
    // What a device can know: the format, the journal (its id is in event ids) and the segment.
    const forged = createSlab(4096)
    const used = encodeRecord(forged, 0, messageOf(666, { device: 'victim.t1' }), 1000)
    sealGroup(forged, used, { group: 1000, seed: seedOf({ secret: id }, 1) })
    const record = forged.bytes.subarray(0, used)
    const payloads = Array.from({ length: 8 }, (_, shift) =>
      Buffer.concat([Buffer.alloc(shift), record, Buffer.alloc(64, 1)]),
    )
    const { journal } = await openSmall(createFileLayer(), path, { segmentBytes: 65_536 })
    for (const payload of payloads) journal.append(messageOf(1, { payload }), () => undefined)
    await journal.close()
    const [segment = ''] = segmentsIn(path)
    // Torn at the head of every record: only what is inside the payloads is whole.
    const bytes = readFileSync(segment)
    for (let at = bytes.indexOf('PJR1'); at >= 0; at = bytes.indexOf('PJR1', at + 1)) {
      if (!bytes.subarray(at, at + used).equals(record)) bytes[at + 16] = 0xff
    }
    writeFileSync(segment, bytes)
    const { report } = await openSmall(createFileLayer(), path)
    expect(report).toMatchObject({ lastPosition: 0, records: 0, corruptions: [] })
    expect(report.tornBytes).toBeGreaterThan(0)
  })

  it('reports a missing segment in the middle, with its positions', async () => {
    const { path, segments } = await journalOf(20)
    const [first, last] = [lastPositionOf(segments[0]) + 1, lastPositionOf(segments[1])]
    rmSync(segments[1] ?? '')
    const { report, positions, readerErrors, next } = await reopened(path)
    expect(positions).toEqual(without(20, first, last))
    expect(report.corruptions).toMatchObject([
      { segment: 3, offset: 0, lost: { first, last }, what: expect.stringContaining('missing') },
    ])
    expect(readerErrors).toMatchObject([{ segment: 2, lost: { first, last } }])
    expect(next).toBe(21)
  })

  it('reports a missing oldest segment only if it was not consumed', async () => {
    const { path, segments } = await journalOf(20)
    const last = lastPositionOf(segments[0])
    rmSync(segments[0] ?? '')
    expect((await reopened(path, last)).report.corruptions).toEqual([])
    const { report } = await reopened(path, last - 2)
    expect(report.corruptions).toMatchObject([{ lost: { first: last - 1, last } }])
  })

  it('refuses a segment of another journal', async () => {
    const { path, segments } = await journalOf(20)
    const other = await journalOf(20)
    copyFileSync(other.segments[1] ?? '', segments[1] ?? '')
    await expect(openSmall(createFileLayer(), path)).rejects.toSatisfy(
      (error) =>
        isPlatformError(error, 'DATA_DIR_FOREIGN') &&
        error.message.includes(other.id) &&
        error.message.includes('segment 2'),
    )
  })

  it('refuses a segment under the number of another one', async () => {
    const { path, segments } = await journalOf(20)
    renameSync(segments[1] ?? '', join(path, '0000000000000077.seg'))
    await expect(openSmall(createFileLayer(), path)).rejects.toSatisfy(
      (error) => isPlatformError(error, 'DATA_DIR_FOREIGN') && error.message.includes('77'),
    )
  })

  it('refuses segments without the file that names their journal', async () => {
    const { path } = await journalOf(2)
    rmSync(join(path, 'journal.json'))
    await expect(openSmall(createFileLayer(), path)).rejects.toSatisfy((error) =>
      isPlatformError(error, 'DATA_DIR_FOREIGN'),
    )
  })

  it.each(['', '{', '{"id":"x"}', '\u0000\u0000'])(
    'refuses the identity file %j and says what to do',
    async (text) => {
      const { path } = await journalOf(2)
      writeFileSync(join(path, 'journal.json'), text)
      await expect(openSmall(createFileLayer(), path)).rejects.toSatisfy(
        (error) =>
          isPlatformError(error, 'JOURNAL_CORRUPT') &&
          error.message.includes('journal.json') &&
          error.message.includes('backup'),
      )
    },
  )

  it('keeps the identity of a folder whose segments are all gone, and starts at nothing', async () => {
    const { path, id, segments } = await journalOf(3)
    for (const segment of segments) rmSync(segment)
    const { report, positions, next } = await reopened(path)
    expect(report).toMatchObject({ id, isNew: false, lastPosition: 0, segments: 0 })
    expect(positions).toEqual([])
    expect(next).toBe(1)
  })

  it('ignores files of others', async () => {
    const { path } = await journalOf(20)
    const garbage = Buffer.from(Array.from({ length: 5000 }, (_, at) => (at * 37) % 251))
    for (const name of ['notes.txt', '1.seg', '9999999999999999.seg', 'spare.tmp']) {
      writeFileSync(join(path, name), garbage)
    }
    mkdirSync(join(path, 'lost+found'))
    const { report, positions, next } = await reopened(path)
    expect(report.corruptions).toEqual([])
    expect(positions).toEqual(without(20))
    expect(next).toBe(21)
    expect(readFileSync(join(path, 'notes.txt'))).toEqual(garbage)
  })

  it('reports a segment that was overwritten with something else', async () => {
    const { path, segments } = await journalOf(20)
    const [first, last] = [lastPositionOf(segments[0]) + 1, lastPositionOf(segments[1])]
    writeFileSync(segments[1] ?? '', Buffer.alloc(4096, 0xa5))
    const { report, positions, readerErrors } = await reopened(path)
    expect(positions).toEqual(without(20, first, last))
    expect(report.corruptions.map(({ segment }) => segment)).toContain(2)
    expect(readerErrors).toMatchObject([{ segment: 2 }])
  })
})

function filled(number: number) {
  return messageOf(number, { payload: Buffer.alloc(PAYLOAD_BYTES, number) })
}

/** 1 to `last`, without those from `from` to `to`. */
function without(last: number, from = 0, to = 0): number[] {
  const all = Array.from({ length: last }, (_, index) => index + 1)
  return all.filter((position) => position < from || position > to)
}

function segmentsIn(path: string): string[] {
  const names = readdirSync(path).filter((name) => /^0\d{15}\.seg$/.test(name))
  return names.toSorted().map((name) => join(path, name))
}

/** Where the record of a position begins: its payload repeats the position. */
function offsetOf(segment: string | undefined, position: number): number {
  const bytes = readFileSync(segment ?? '')
  const at = bytes.indexOf(Buffer.alloc(PAYLOAD_BYTES, position))
  return bytes.lastIndexOf('PJR1', at)
}

function lastPositionOf(segment: string | undefined): number {
  const bytes = readFileSync(segment ?? '')
  const at = bytes.lastIndexOf('PJR1')
  return Number(bytes.readBigUInt64LE(at + 16))
}

function flip(path: string | undefined, offset: number): void {
  const bytes = readFileSync(path ?? '')
  if (offset >= statSync(path ?? '').size) throw new RangeError('beyond the segment')
  bytes[offset] = (bytes[offset] ?? 0) ^ 0x10
  writeFileSync(path ?? '', bytes)
}
