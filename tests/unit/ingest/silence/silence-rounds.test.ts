import { describe, expect, it } from 'vitest'
import { createLog } from '#lib/runtime/log.ts'
import { ALL } from '#lib/telemetry/scope.ts'
import { LiveWatch } from '../../../../ingest/live/live-watch.ts'
import type { FromWorker } from '../../../../ingest/thread-messages.ts'
import { SilenceRounds } from '../../../../ingest/silence/silence-rounds.ts'
import { T0, journaled, truckOf } from '../../../support/messages.ts'

const S_NS = 1_000_000_000n
const at = (seconds: number) => T0 + BigInt(seconds) * S_NS

/** An ingest thread whose clock is turned by hand. */
function thread() {
  let nowS = 0
  let journal: ReturnType<typeof journaled>[] = []
  const told: FromWorker[] = []
  const live = new LiveWatch()
  const round = new SilenceRounds(
    {
      device: (id) => ({ ...truckOf(id), kind: 'robot', format: 'vda5050' }),
      clock: { nowNs: () => at(nowS), monoNs: () => BigInt(nowS) * S_NS },
      log: createLog('silent'),
      live,
      post: (message) => told.push(message),
    },
    { stateSilenceSeconds: 60 },
  )
  return {
    live,
    told,
    receive: (seconds: number, topic: string, payload: unknown) => {
      const position = journal.length + 1
      const receivedAtNs = at(seconds)
      journal.push(journaled(position, payload, { device: 'acme.r1', topic, receivedAtNs }))
    },
    begin: (seconds: number) => {
      nowS = seconds
      round.begin(at(seconds))
    },
    finish: (seconds: number) => {
      round.heard(journal)
      journal = []
      nowS = seconds
      round.finish()
    },
    setPaused: (paused: boolean) => round.setPaused(paused),
    look: (seconds: number, position = 7) => {
      nowS = seconds
      told.length = 0
      round.look(position)
      return told
    },
  }
}

const ONLINE = { connectionState: 'ONLINE' }

describe('the rounds that look for silent robots', () => {
  it('report how many there are, and each change once to those who watch', () => {
    const { live, begin, receive, finish, look } = thread()
    begin(0)
    receive(0, 'uagv/v2/KIT/1/connection', ONLINE)
    finish(1)
    live.want([{ readings: null, rejections: ALL }])
    expect(look(60)).toEqual([])
    const row = { device: 'acme.r1', topic: 'uagv/v2/KIT/1/state', sinceNs: at(0), limitS: 60 }
    const silences = [{ type: 'silence', row: { ...row, ended: null } }]
    expect(look(65)).toEqual([
      { type: 'silent', robots: 1 },
      { type: 'live', batch: { position: 7, events: [], dropped: 0, silences } },
    ])
    expect(look(70)).toEqual([])
  })

  it('hand over nothing without a viewer who may see it', () => {
    for (const tenants of [[], ['beta']]) {
      const { live, begin, receive, finish, look } = thread()
      begin(0)
      receive(0, 'uagv/v2/KIT/1/connection', ONLINE)
      finish(1)
      const rejections = tenants.length === 0 ? null : { ...ALL, tenants }
      live.want([{ readings: ALL, rejections }])
      expect(look(65)).toEqual([{ type: 'silent', robots: 1 }])
    }
  })

  it('do not take what a lagging writer has not read for silence', () => {
    const { begin, receive, finish, look } = thread()
    begin(0)
    receive(0, 'uagv/v2/KIT/1/connection', ONLINE)
    // The store is down for ten minutes; what came meanwhile was not read yet.
    finish(600)
    expect(look(601)).toEqual([])
    begin(601)
    for (let second = 25; second <= 600; second += 25) receive(second, 'uagv/v2/KIT/1/state', {})
    expect(look(650)).toEqual([])
    finish(700)
    expect(look(701)).toEqual([])
    expect(look(705)).toEqual([{ type: 'silent', robots: 1 }])
  })

  it('do not take it for silence while the platform reads from no publisher', () => {
    const { begin, receive, finish, setPaused, look } = thread()
    begin(0)
    receive(0, 'uagv/v2/KIT/1/connection', ONLINE)
    finish(1)
    setPaused(true)
    expect(look(65)).toEqual([])
    setPaused(false)
    expect(look(120)).toEqual([])
    expect(look(126)).toEqual([{ type: 'silent', robots: 1 }])
  })
})
