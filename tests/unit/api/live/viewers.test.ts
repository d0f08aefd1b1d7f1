import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Caller } from '#lib/access/policy.ts'
import type { Api } from '../../../../api/api.ts'
import { Viewers } from '../../../../api/live/viewers.ts'
import { appOptionsFor } from '../../../support/app-options.ts'

describe('live streams of several tenants', () => {
  let viewers: Viewers
  let ended: string[]

  beforeEach(() => {
    const { liveLimits, ...options } = appOptionsFor()
    const limits = { ...liveLimits, viewers: 12, viewersPerTenant: 7, viewersPerKey: 6 }
    const registry = { onChange: () => {}, keys: { list: () => [] } }
    // What the limits of viewers need of an API.
    viewers = new Viewers({
      options: { ...options, liveLimits: limits },
      registry,
    } as unknown as Api)
    ended = []
  })
  afterEach(() => viewers.endAll())

  /** The detail of a refusal; '' when the stream is open. */
  function open(tenant: string, key: string): string {
    const caller: Caller = {
      key: { id: key, role: 'tenant-viewer', tenant, name: key },
      sessionId: null,
    }
    const refusal = viewers.refusal(caller)
    if (refusal) return refusal.detail
    const viewer = { heartbeat: () => {}, end: () => void ended.push(`${tenant}/${key}`) }
    viewers.add(viewer, caller)
    return ''
  }

  it('are limited by key and by tenant, with the name of the setting', () => {
    for (let n = 0; n < 6; n += 1) expect(open('acme', 'one')).toBe('')
    expect(open('acme', 'other')).toBe('')
    expect(open('acme', 'one')).toMatch(
      /at most 6 live streams of one key \(PADBORG_LIVE_VIEWERS_PER_KEY\)/,
    )
    expect(open('acme', 'third')).toMatch(
      /at most 7 .* of one tenant \(PADBORG_LIVE_VIEWERS_PER_TENANT\)/,
    )
    expect(open('beta', 'beta')).toBe('')
  })

  it('give room to a tenant that has few: the latest stream of the one with most ends', () => {
    for (let n = 0; n < 7; n += 1) open('acme', `key ${n}`)
    for (let n = 0; n < 5; n += 1) open('beta', 'beta')
    expect(viewers.size).toBe(12)
    expect(open('gamma', 'gamma')).toBe('')
    expect(open('delta', 'delta')).toBe('')
    expect(ended).toEqual(['acme/key 6', 'acme/key 5'])
    expect(viewers.size).toBe(12)
    expect(open('epsilon', 'epsilon')).toMatch(/^expected at most 12 live streams/)
    expect(ended).toHaveLength(2)
  })
})
