import { join } from 'node:path'
import { expect, it } from 'vitest'
import { createDirectory } from '#lib/registry/topics/directory.ts'
import { systemClock } from '#lib/runtime/clock.ts'
import { createMetrics } from '#lib/runtime/metrics.ts'
import { PublishRights } from '../../../../broker/access/publish-rights.ts'
import { createEmitter } from '../../../../broker/aedes/emitter.ts'
import { BackPressure } from '../../../../broker/connections/back-pressure.ts'
import type { Connection } from '../../../../broker/connections/connection.ts'
import { Forward } from '../../../../broker/publish/forward.ts'
import { InFlight } from '../../../../broker/publish/in-flight.ts'
import { createInterest } from '../../../../broker/publish/interest.ts'
import { MAX_WAITING_WILLS, Wills } from '../../../../broker/publish/wills.ts'
import { SessionFile } from '../../../../broker/sessions/session-file.ts'
import { Sessions } from '../../../../broker/sessions/sessions.ts'
import { createTestLog } from '../../../support/log-lines.ts'
import { metricValue } from '../../../support/metric-value.ts'
import { temporaryDir } from '../../../support/platform.ts'
import { registerDevice, registryIn } from '../../../support/registry-in.ts'
import { TestIntake } from '../../../support/test-intake.ts'

it('wills that wait are limited by tenant, and published in slices, tenants in turn', async () => {
  const dir = temporaryDir('wills')
  const log = createTestLog([])
  const registry = registryIn(dir.path, log)
  const file = new SessionFile(join(dir.path, 'broker.db'), log)
  const intake = new TestIntake()
  const metrics = createMetrics()
  const interest = createInterest()
  const onChange = () => interest.changed()
  const sessions = new Sessions({ file, metrics, onChange }, 10)
  const forward = new Forward({ emitter: createEmitter(onChange), sessions, metrics, interest })
  const rights = new PublishRights(createDirectory(registry), 32)
  const limits = { maxInFlight: 100, maxInFlightPerClient: 10 }
  const inFlight = new InFlight(intake, new BackPressure(() => {}), limits)
  const wills = new Wills({ intake, rights, inFlight, forward, metrics, clock: systemClock })

  const leave = (tenant: string, times: number) => {
    const id = `${tenant}.t1`
    registerDevice(registry, id)
    const device = registry.devices.get(id)
    const account = { type: 'device', id, tenant, device }
    const connection = { account, prefix: `${tenant}/` } as unknown as Connection
    const topic = `padborg/v1/${tenant}/t1/status`
    const will = { topic, payload: Buffer.from('gone'), qos: 0, retain: false } as const
    for (let n = 0; n < times; n += 1) wills.publish(connection, will)
  }
  intake.pause()
  leave('acme', MAX_WAITING_WILLS + 7)
  leave('beta', 3)
  expect(await metricValue(metrics, 'padborg_mqtt_shed_total{reason="wills"}')).toBe(7)
  intake.resume()
  wills.publishWaiting()
  let mostInTurn = 0
  for (let before = 0; before < MAX_WAITING_WILLS + 3; before = intake.accepted.length) {
    await new Promise((resolve) => setImmediate(resolve))
    mostInTurn = Math.max(mostInTurn, intake.accepted.length - before)
  }
  expect(mostInTurn).toBe(100)
  const order = intake.accepted.map(({ device }) => device)
  expect(order.lastIndexOf('beta.t1')).toBe(5)
  file.close()
  registry.close()
  dir.remove()
})
