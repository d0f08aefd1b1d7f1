import { describe, expect, it } from 'vitest'
import { decodeCursor, encodeCursor } from '#lib/store/cursor.ts'

describe('a cursor', () => {
  it('comes back as it was', () => {
    const key = ['-12', "it's", '7']
    expect(decodeCursor(encodeCursor(key), ['n', 't', 'n'])).toEqual(key)
  })

  it.each(['', 'nonsense', encodeCursor(['1']), encodeCursor(['1; DROP TABLE x', 'a', '1'])])(
    'that is none of ours is refused: %s',
    (cursor) => {
      expect(() => decodeCursor(cursor, ['n', 't', 'n'])).toThrow(RangeError)
    },
  )
})
