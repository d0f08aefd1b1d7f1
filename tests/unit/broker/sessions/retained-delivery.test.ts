import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Turns } from '#lib/runtime/threads/turns.ts'
import type { Connection } from '../../../../broker/connections/connection.ts'
import { RETAINED_SLICE, retainedDelivery } from '../../../../broker/sessions/retained-delivery.ts'
import { RetainedMessages } from '../../../../broker/sessions/retained-messages.ts'
import { SessionFile } from '../../../../broker/sessions/session-file.ts'
import { createTestLog } from '../../../support/log-lines.ts'
import { temporaryDir } from '../../../support/platform.ts'

describe('the delivery of retained messages', () => {
  let dir: ReturnType<typeof temporaryDir>
  let file: SessionFile
  let retained: RetainedMessages
  beforeEach(() => {
    dir = temporaryDir('retained')
    file = new SessionFile(join(dir.path, 'broker.db'), createTestLog([]))
    retained = new RetainedMessages(file)
    for (let n = 0; n < 3000; n += 1) {
      retained.put({ topic: `acme/a/${n}/x`, payload: Buffer.from('r'), qos: 0, device: '' })
    }
  })
  afterEach(() => {
    file.close()
    dir.remove()
  })

  /** What is delivered in each turn of the event loop, until the end. */
  async function turnsOf(filters: readonly string[], connection: Connection) {
    const turns: number[] = []
    let delivered = 0
    let isDone = false
    const done = () => (isDone = true)
    const stream = retainedDelivery(retained, { turns: new Turns(), connection, done }, filters)
    stream.on('data', () => (delivered += 1))
    while (!isDone) {
      const before = delivered
      await new Promise((resolve) => setImmediate(resolve))
      turns.push(delivered - before)
    }
    return { turns, delivered }
  }

  const connectionOf = (stage: Connection['stage']) => ({ prefix: 'acme/', stage }) as Connection

  it('does a slice in each turn of the event loop', async () => {
    const { turns, delivered } = await turnsOf(['acme/#'], connectionOf('ready'))
    expect(delivered).toBe(3000)
    expect(Math.max(...turns)).toBeLessThanOrEqual(RETAINED_SLICE)
  })

  it('does so as well where nothing is found', async () => {
    const { turns, delivered } = await turnsOf(['acme/a/+/y', 'acme/+/+/z'], connectionOf('ready'))
    expect(delivered).toBe(0)
    expect(turns.length).toBeGreaterThanOrEqual(6000 / RETAINED_SLICE)
  })

  it('ends with its connection', async () => {
    const connection = connectionOf('ready')
    const end = turnsOf(['acme/#'], connection)
    setImmediate(() => (connection.stage = 'closed'))
    expect((await end).delivered).toBeLessThanOrEqual(2 * RETAINED_SLICE)
  })
})
