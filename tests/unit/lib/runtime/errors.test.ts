import { describe, expect, it } from 'vitest'
import { PlatformError, isPlatformError, messageOf, systemCodeOf } from '#lib/runtime/errors.ts'

describe('errors', () => {
  it('carry code, path and cause, and can be distinguished', () => {
    const cause = new Error('disk')
    const error = new PlatformError('CLOSED', 'text', { cause, path: 'a.b' })
    expect(error).toMatchObject({ name: 'PlatformError', code: 'CLOSED', path: 'a.b', cause })
    expect(Object.hasOwn(new PlatformError('CLOSED', 'text'), 'cause')).toBe(false)
    expect(new PlatformError('CLOSED', 'text').path).toBe('')
    expect([isPlatformError(error), isPlatformError(error, 'CLOSED')]).toEqual([true, true])
    expect([isPlatformError(error, 'QUERY_BUSY'), isPlatformError(cause)]).toEqual([false, false])
    expect([messageOf(cause), messageOf('x'), messageOf(null)]).toEqual(['disk', 'x', 'null'])
    expect(systemCodeOf(Object.assign(new Error('x'), { code: 'ENOSPC' }))).toBe('ENOSPC')
    for (const other of [cause, null, 'ENOSPC', Object.assign(new Error('x'), { code: 5 })]) {
      expect(systemCodeOf(other)).toBe('')
    }
  })
})
