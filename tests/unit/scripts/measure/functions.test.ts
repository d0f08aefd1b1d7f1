import { describe, expect, it } from 'vitest'
import { functionsOf } from '../../../../scripts/measure/functions.ts'

const counted = (text: string, path = 'a/sample.ts') =>
  functionsOf({ path, text, isTest: false }).map(({ name, line, lines }) => [name, line, lines])

describe('the functions of a file', () => {
  it('are counted from their declaration to their end, those within others on their own too', () => {
    const text = `
/** Not counted. */
export function outer(): number {
  const inner = () => {
    return 1
  }

  return inner()
}
`
    expect(counted(text)).toEqual([
      ['outer', 3, 7],
      ['outer.inner', 4, 3],
    ])
  })

  it('have the names of keys, variables and classes that hold them', () => {
    const text = `
class Journal {
  constructor(private: string) {}
  #sync = () => 1
  append(): void {
    ;[1].map((n) => n)
  }
}
const journal = {
  close() {},
  open: async () => {
    await 1
  },
}
`
    expect(counted(text)).toEqual([
      ['Journal.constructor', 3, 1],
      ['Journal.#sync', 4, 1],
      ['Journal.append', 5, 3],
      ['Journal.append.(anonymous)', 6, 1],
      ['close', 10, 1],
      ['open', 11, 3],
    ])
  })

  it('begin where the variable begins, and are not declarations without a body', () => {
    const text = `
declare function nowhere(): void
interface Port { ask(): void }
export const long =
  (a: number) =>
  (b: number) => {
    return a + b
  }
function overloaded(a: string): void
function overloaded(a: number): void
function overloaded(a: unknown): void {}
`
    expect(counted(text)).toEqual([
      ['long', 4, 5],
      ['long.(anonymous)', 6, 3],
      ['overloaded', 11, 1],
    ])
  })

  it('are found in JSX and after letters outside ASCII, and in no other language', () => {
    expect(
      counted("const a = 'æøå 😀'\nconst view = () => <p>{[1].map((n) => n)}</p>\n", 'a.tsx'),
    ).toEqual([
      ['view', 2, 1],
      ['view.(anonymous)', 2, 1],
    ])
    expect(counted('a { color: red }', 'a.css')).toEqual([])
  })
})
