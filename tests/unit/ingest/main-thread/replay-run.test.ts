import { setImmediate as nextTurn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import type { Caller } from '#lib/runtime/threads/rpc.ts'
import { systemClock } from '#lib/runtime/clock.ts'
import {
  MAX_WAITING_REPLAYS,
  REPLAY_SLICE,
  Replay,
} from '../../../../ingest/main-thread/replay-run.ts'
import type { ReplayPage } from '../../../../ingest/rejections/replay-candidates.ts'
import { journaled } from '../../../support/messages.ts'

function requestOf(tenant: string | null) {
  const scope = { tenants: tenant === null ? null : [tenant], devices: null, kinds: null }
  return { scope, ids: null, reasons: null, positions: null }
}

/** Pages of so many messages, and a journal and worker that store each at once. */
function world(pages: readonly number[]) {
  const calls: string[] = []
  const perTurn: number[] = []
  let turn = 0
  const pageOf = (tenant: string, after: ReplayPage['next']): ReplayPage => {
    const at = after?.position ?? 0
    const candidates = Array.from({ length: pages[at] ?? 0 }, () => {
      const { origin: _, position, ...message } = journaled(at + 1, '{}', { device: tenant })
      return { ...message, origin: { position, elementIndex: -1 } }
    })
    const next = at + 1 < pages.length ? { position: at + 1, elementIndex: -1 } : null
    return { candidates, next }
  }
  const caller: Caller = {
    async call<T>(_name: string, argument: unknown): Promise<T> {
      const { request, after } = argument as {
        request: ReturnType<typeof requestOf>
        after: ReplayPage['next']
      }
      const tenant = request.scope.tenants?.[0] ?? ''
      calls.push(tenant)
      await nextTurn()
      return pageOf(tenant, after) as T
    },
    close: () => undefined,
  }
  let position = 0
  const journal = {
    append(_message: object, done: (error: Error | null, position: number) => void) {
      position += 1
      perTurn[turn] = (perTurn[turn] ?? 0) + 1
      const own = position
      queueMicrotask(() => {
        done(null, own)
        replay.finish(new Map([[own, 'recovered' as const]]))
      })
      if (perTurn[turn] === 1) setImmediate(() => (turn += 1))
    },
  }
  const replay: Replay = new Replay({ journal, caller, clock: systemClock })
  return { replay, calls, perTurn, appended: () => position }
}

describe('replays', () => {
  it('run one at a time for the same tenants, and beside those of others', async () => {
    const { replay, calls } = world([1, 1, 1])
    const run = (tenant: string) => replay.run(requestOf(tenant))
    await Promise.all([run('acme'), run('acme'), run('north')])
    expect(calls).toEqual([
      'acme',
      'north',
      'acme',
      'north',
      'acme',
      'north',
      'acme',
      'acme',
      'acme',
    ])
  })

  it('wait in a line of limited length', async () => {
    const { replay } = world([1])
    const all = Array.from({ length: MAX_WAITING_REPLAYS + 1 }, () => replay.run(requestOf('acme')))
    await expect(replay.run(requestOf('acme'))).rejects.toMatchObject({ code: 'REPLAY_BUSY' })
    await expect(replay.run(requestOf('north'))).resolves.toMatchObject({ recovered: 1 })
    await Promise.all(all)
    await expect(replay.run(requestOf('acme'))).resolves.toMatchObject({ recovered: 1 })
  })

  it('journal so many messages in a turn of the event loop', async () => {
    const { replay, perTurn } = world([5 * REPLAY_SLICE, 7])
    await expect(replay.run(requestOf(null))).resolves.toEqual({
      recovered: 5 * REPLAY_SLICE + 7,
      again: 0,
      duplicate: 0,
    })
    expect(Math.max(...perTurn.filter(Boolean))).toBeLessThanOrEqual(REPLAY_SLICE)
  })

  it('end when their caller has left', async () => {
    const { replay, calls, appended } = world([10, 10, 10, 10])
    const controller = new AbortController()
    const first = replay.run(requestOf('acme'), controller.signal)
    const waiting = replay.run(requestOf('acme'), controller.signal)
    await nextTurn()
    controller.abort(new Error('the client left'))
    await expect(first).rejects.toThrow('the client left')
    await expect(waiting).rejects.toThrow('the client left')
    expect(calls).toHaveLength(1)
    expect(appended()).toBeLessThanOrEqual(10)
    await expect(replay.run(requestOf('acme'))).resolves.toMatchObject({ recovered: 40 })
  })
})
