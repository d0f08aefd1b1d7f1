import { describe, expect, it } from 'vitest'
import { verifyHops, type HopList } from '../../../../scripts/measure/hops.ts'

const SOURCES = [
  {
    path: 'broker/reader.ts',
    text: `
export function createReader(intake) {
  return { read: (bytes) => intake.accept(parse(bytes)) }
}
function parse(bytes) {
  return bytes
}
`,
  },
  { path: 'ingest/journal.ts', text: 'class Journal { append(message) { post(message) } }' },
  {
    path: 'ingest/store.ts',
    text: `
class Store {
  writer = { write: (batch) => this.#write(batch) }
  #write(batch) { store(batch) }
}
function store(batch) {
  const later = { store() {} }
}
`,
  },
  { path: 'ingest/writer.ts', text: 'export function write(message) {}' },
].map((source) => ({ ...source, isTest: false }))

const verified = (...hops: HopList['hops']) =>
  verifyHops({ name: 'packet', from: 'socket', to: 'row', hops }, SOURCES)

describe('a list of hops', () => {
  it('is counted in hops, files and crossings when the code agrees', () => {
    expect(
      verified(
        { at: 'broker/reader.ts:read' },
        { at: 'broker/reader.ts:parse' },
        { at: 'ingest/journal.ts:Journal.append', calledBy: 'broker/reader.ts:read', as: 'accept' },
        {
          at: 'ingest/writer.ts:write',
          crossing: 'main to worker thread, postMessage',
          crossingsWithin: ['worker thread to pool, commit'],
        },
      ),
    ).toEqual({
      name: 'packet',
      from: 'socket',
      to: 'row',
      hops: 4,
      files: 3,
      crossings: 2,
      faults: [],
    })
  })

  it('has a fault where a function is missing or its caller does not contain its name', () => {
    const { faults } = verified(
      { at: 'broker/reader.ts:read' },
      { at: 'broker/reader.ts:decode' },
      { at: 'ingest/writer.ts:write', calledBy: 'broker/reader.ts:read' },
      { at: 'ingest/journal.ts:append', calledBy: 'broker/broker.ts:start' },
    )
    expect(faults).toEqual([
      'packet, hop 2, broker/reader.ts:decode: there is no such function',
      'packet, hop 3, ingest/writer.ts:write: broker/reader.ts:read does not contain write',
      'packet, hop 4, ingest/journal.ts:append: broker/broker.ts:start is no earlier hop',
    ])
  })

  it('names a private method with its #, and prefers a function with exactly the name', () => {
    const { faults } = verified(
      { at: 'ingest/store.ts:Store.write' },
      { at: 'ingest/store.ts:Store.#write' },
      { at: 'ingest/store.ts:store' },
    )
    expect(faults).toEqual([])
  })
})
