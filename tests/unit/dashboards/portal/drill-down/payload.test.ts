import { describe, expect, it } from 'vitest'
import { payloadOf } from '../../../../../dashboards/portal/src/drill-down/payload.ts'

describe('the payload of a rejected message', () => {
  const shown = (bytes: Uint8Array) => payloadOf(Buffer.from(bytes).toString('base64'))

  it('is text where it is UTF-8, else hexadecimal', () => {
    expect(shown(Buffer.from('{"by":"Tønder"}'))).toEqual({
      text: '{"by":"Tønder"}',
      isText: true,
      size: 16,
    })
    expect(shown(Uint8Array.of(0, 0xff, 0x10))).toEqual({
      text: '00 ff 10',
      isText: false,
      size: 3,
    })
  })

  it('is cut when it is long, and its size is that of the whole', () => {
    const { text, size } = shown(Buffer.alloc(30_000, 'x'))
    expect(text).toHaveLength(20_002)
    expect(size).toBe(30_000)
  })
})
