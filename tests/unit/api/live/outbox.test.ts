import { describe, expect, it } from 'vitest'
import type { LiveEvent, SilenceEvent } from '#lib/telemetry/live.ts'
import { Outbox } from '../../../../api/live/outbox.ts'

const silence = (sinceNs: number): SilenceEvent => ({
  type: 'silence',
  row: { device: 'acme.r1', topic: null, sinceNs: BigInt(sinceNs), limitS: 60, ended: null },
})

function outboxOf() {
  let dropped = 0
  const outbox = new Outbox({
    limit: 10,
    opening: 'open\n',
    dropped: (n) => (dropped += n),
    text: {
      event: ({ place }: LiveEvent) => `event ${place.position}\n`,
      silence: ({ row }) => `silence ${row.sinceNs}\n`,
      gap: ({ to }) => `gap ${to.position}\n`,
      heartbeat: ({ position }) => `at ${position}\n`,
    },
  })
  return { outbox, dropped: () => dropped }
}

const linesOf = (text: unknown) => String(text).trimEnd().split('\n')

describe('silences in the outbox of a viewer', () => {
  it('leave its place as it is', () => {
    const { outbox } = outboxOf()
    outbox.advanceTo({ position: 5, rejection: false, index: 0 })
    outbox.offerSilences([silence(1)])
    expect(outbox.latest).toEqual({ position: 5, rejection: false, index: 0 })
  })

  it('are bounded for one that does not read, and the newest are kept', async () => {
    const { outbox, dropped } = outboxOf()
    for (let n = 0; n < 1500; n += 1) outbox.offerSilences([silence(n)])
    expect(dropped()).toBe(500)
    outbox.stream.once('data', () => setImmediate(() => outbox.end()))
    const texts: string[] = []
    for await (const chunk of outbox.stream) texts.push(String(chunk))
    const lines = linesOf(texts.join(''))
    expect(lines.slice(0, 2)).toEqual(['open', 'silence 500'])
    expect(lines).toHaveLength(1001)
    expect(lines.at(-1)).toBe('silence 1499')
  })
})
