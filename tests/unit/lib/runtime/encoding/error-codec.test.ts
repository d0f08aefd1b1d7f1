import { expect, it } from 'vitest'
import { decodeError, encodeError } from '#lib/runtime/encoding/error-codec.ts'
import { PlatformError } from '#lib/runtime/errors.ts'

const copied = (error: unknown) => decodeError(JSON.parse(JSON.stringify(encodeError(error))))

it('carries code, text and path of a coded error, and the text of any other', () => {
  const coded = copied(new PlatformError('REGISTRY_INVALID', 'no such kind', { path: 'kind' }))
  expect(coded).toBeInstanceOf(PlatformError)
  expect(coded).toMatchObject({ code: 'REGISTRY_INVALID', message: 'no such kind', path: 'kind' })
  for (const thrown of [new RangeError('too far'), 'too far']) {
    expect(copied(thrown)).not.toBeInstanceOf(PlatformError)
    expect(copied(thrown).message).toBe('too far')
  }
})

it('makes an error of any value, also of one sent by a newer or another program', () => {
  const unknown = decodeError({ code: 'OF_TOMORROW', message: 'new', path: '' })
  expect(unknown).not.toBeInstanceOf(PlatformError)
  expect(unknown.message).toBe('new')
  for (const value of [null, 'x', {}, { code: 5, message: 'x', path: '' }, { message: 'x' }]) {
    expect(decodeError(value).message).toContain('without giving a reason')
  }
})
