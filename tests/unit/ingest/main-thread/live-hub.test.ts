import { describe, expect, it } from 'vitest'
import { createLog } from '#lib/runtime/log.ts'
import { ALL } from '#lib/telemetry/scope.ts'
import { LiveHub } from '../../../../ingest/main-thread/live-hub.ts'

const JOURNAL = '7f1e6d2a-0000-4000-8000-000000000001'

describe('the live hub', () => {
  it('hands the ingest thread each interest once, and none when the last listener left', async () => {
    const wanted: unknown[] = []
    const hub = new LiveHub({
      journal: JOURNAL,
      caller: {
        // The result is a position, as the worker gives it.
        call: async <T>(_name: string, argument: unknown) => {
          wanted.push(argument)
          return wanted.length as T
        },
        close: () => {},
      },
      progress: { written: 0 },
      log: createLog('silent'),
    })
    const interest = { readings: ALL, rejections: null }
    const heard: string[] = []
    const one = hub.join(interest, () => heard.push('one'))
    const two = hub.join({ ...interest }, () => heard.push('two'))
    expect(await Promise.all([one.from, two.from])).toEqual([1, 2])
    hub.publish({ position: 1, events: [], dropped: 0 })
    one.close()
    one.close()
    hub.publish({ position: 2, events: [], dropped: 0 })
    two.close()
    hub.publish({ position: 3, events: [], dropped: 0 })
    expect(heard).toEqual(['one', 'two', 'two'])
    expect(wanted).toEqual([[interest], [interest], [interest], []])
  })
})
