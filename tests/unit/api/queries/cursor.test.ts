import { describe, expect, it } from 'vitest'
import { createCursors } from '../../../../api/queries/cursor.ts'
import { pageOf } from '../../../../api/queries/paging.ts'

const cursor = { query: '/readings', fromNs: -5n, toNs: 2n ** 62n, after: 'acme.t1|17' }

describe('a cursor', () => {
  it('comes back as it was, also after a restart with the same secret', () => {
    const sealed = createCursors('s').seal(cursor)
    expect(createCursors('s').open('/readings', sealed)).toEqual(cursor)
    expect(createCursors('s').seal(cursor)).toBe(sealed)
  })

  it('shows nothing of what it holds', () => {
    const sealed = createCursors('s').seal(cursor)
    expect(sealed).toMatch(/^[\w-]+$/)
    expect(Buffer.from(sealed, 'base64url').toString('latin1')).not.toContain('acme')
  })

  it('is refused when it is changed, cut, or comes from another query or platform', () => {
    const cursors = createCursors('s')
    const sealed = cursors.seal(cursor)
    const changed = Buffer.from(sealed, 'base64url')
    changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1
    for (const text of ['', 'x', 'null', sealed.slice(0, -4), changed.toString('base64url')]) {
      expect(cursors.open('/readings', text)).toBeNull()
    }
    expect(cursors.open('/rejections', sealed)).toBeNull()
    expect(createCursors('other').open('/readings', sealed)).toBeNull()
  })
})

describe('a page', () => {
  const keyOf = (row: string) => row

  it('continues after the last key, also when rows were added or removed meanwhile', () => {
    const first = pageOf(['b', 'd', 'a', 'c'], keyOf, { after: null, limit: 2 })
    expect(first).toEqual({ data: ['a', 'b'], after: 'b' })
    const second = pageOf(['a', 'aa', 'c', 'd'], keyOf, { after: first.after, limit: 2 })
    expect(second).toEqual({ data: ['c', 'd'], after: null })
  })
})
