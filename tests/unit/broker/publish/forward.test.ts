import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createMetrics } from '#lib/runtime/metrics.ts'
import { createEmitter, type Emitter } from '../../../../broker/aedes/emitter.ts'
import { DELIVERIES_PER_TURN, Forward, MAX_FORWARDING } from '../../../../broker/publish/forward.ts'
import { createInterest } from '../../../../broker/publish/interest.ts'
import { SessionFile } from '../../../../broker/sessions/session-file.ts'
import { Sessions } from '../../../../broker/sessions/sessions.ts'
import { createTestLog } from '../../../support/log-lines.ts'
import { metricValue } from '../../../support/metric-value.ts'
import { temporaryDir } from '../../../support/platform.ts'

describe('messages on their way to subscribers', () => {
  let dir: ReturnType<typeof temporaryDir>
  let file: SessionFile
  let emitter: Emitter
  let forward: Forward
  let metrics: ReturnType<typeof createMetrics>
  beforeEach(() => {
    dir = temporaryDir('forward')
    file = new SessionFile(join(dir.path, 'broker.db'), createTestLog([]))
    metrics = createMetrics()
    const interest = createInterest()
    const onChange = () => interest.changed()
    emitter = createEmitter(onChange)
    const sessions = new Sessions({ file, metrics, onChange }, 10)
    forward = new Forward({ emitter, sessions, metrics, interest })
  })
  afterEach(() => {
    file.close()
    dir.remove()
  })

  const send = (topic: string, text: string) => {
    const payload = Buffer.from(text)
    forward.send({ topic, payload, qos: 0, retain: false, device: '' })
  }
  const shed = () => metricValue(metrics, 'padborg_mqtt_shed_total{reason="forwarding"}')
  const turn = () => new Promise((resolve) => setImmediate(resolve))

  it('go to many subscribers in slices, in order, and those of another tenant at once', async () => {
    const heard: string[] = []
    let delivered = 0
    for (let n = 0; n < 5000; n += 1) {
      emitter.on('acme/x', (packet, done) => {
        delivered += 1
        if (n === 4999) heard.push(String(Reflect.get(packet, 'payload')))
        done()
      })
    }
    let ofBeta = 0
    emitter.on('beta/x', (_packet, done) => {
      ofBeta += 1
      done()
    })
    for (const text of ['1', '2', '3']) send('acme/x', text)
    expect(delivered).toBe(DELIVERIES_PER_TURN.ofTenant)
    send('beta/x', 'b')
    expect(ofBeta).toBe(1)
    let mostInTurn = 0
    while (delivered < 15_000) {
      const before = delivered
      await turn()
      mostInTurn = Math.max(mostInTurn, delivered - before)
    }
    expect(mostInTurn).toBe(DELIVERIES_PER_TURN.ofTenant)
    expect(heard).toEqual(['1', '2', '3'])
    expect(await shed()).toBe(0)
  })

  it('of one tenant have a limit that takes nothing from another', async () => {
    const waiting: (() => void)[] = []
    emitter.on('acme/x', (_packet, done) => void waiting.push(done))
    emitter.on('beta/x', (_packet, done) => void waiting.push(done))
    for (let n = 0; n < MAX_FORWARDING.ofTenant + 5; n += 1) send('acme/x', 'a')
    send('beta/x', 'b')
    expect(await shed()).toBe(5)
    while (waiting.length < MAX_FORWARDING.ofTenant + 1) await turn()
    for (const done of waiting) done()
    send('acme/x', 'again')
    await turn()
    expect(await shed()).toBe(5)
  })
})
