import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createTestApp, type TestApp } from '../test-app.ts'

const CLOSED = {
  'default-src': "'none'",
  'base-uri': "'none'",
  'form-action': "'none'",
  'frame-ancestors': "'none'",
}
const PAGE = {
  ...CLOSED,
  'script-src': "'self'",
  'style-src': "'self'",
  'img-src': "'self' data:",
  'font-src': "'self'",
  'connect-src': "'self'",
}

const SECURITY = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
}
/** What a response has besides, whatever it is. */
const PLAIN = [
  'cache-control',
  'connection',
  'content-length',
  'content-security-policy',
  'content-type',
  'date',
  'etag',
  'www-authenticate',
]

describe('security headers', () => {
  let test: TestApp

  beforeAll(async () => {
    test = await createTestApp()
  })
  afterAll(() => test.close())

  it.each([
    ['/', 200, PAGE],
    ['/docs', 200, PAGE],
    ['/docs/json', 200, PAGE],
    ['/openapi.json', 200, CLOSED],
    ['/metrics', 200, CLOSED],
    ['/health/live', 200, CLOSED],
    ['/api/v1/devices', 401, CLOSED],
    ['/nowhere', 404, CLOSED],
  ])('of %s are exactly these', async (url, status, policy) => {
    const { statusCode, headers } = await test.app.inject({ url })
    expect(statusCode).toBe(status)
    expect(headers).toMatchObject(SECURITY)
    const names = new Set([...Object.keys(SECURITY), ...PLAIN])
    expect(Object.keys(headers).filter((name) => !names.has(name))).toEqual([])
    expect(directivesOf(String(headers['content-security-policy']))).toEqual(policy)
  })

  it('keep results of the API out of every cache', async () => {
    expect((await test.request('/devices')).headers['cache-control']).toBe('no-store')
    expect((await test.request('/devices', { key: null })).headers['cache-control']).toBe(
      'no-store',
    )
  })
})

/** Directive -> its sources; spaces between directives mean nothing. */
function directivesOf(policy: string): Record<string, string> {
  const directives = policy.split(';').flatMap((part) => {
    const [, name = '', sources = ''] = /^(\S+) (.+)$/.exec(part.trim()) ?? []
    return name === '' ? [] : [[name, sources] as const]
  })
  return Object.fromEntries(directives)
}
