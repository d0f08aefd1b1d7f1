import { setTimeout as pause } from 'node:timers/promises'
import type { BenchContext } from '../context.ts'
import { product } from '../subjects/product.ts'
import { totalRssMib } from '../subjects/usage.ts'
import type { Section } from './section.ts'

const OVERLOAD = { rate: 80_000, seconds: 30 }
const AFTERWARDS = { rate: 5000, seconds: 5 }

export const overload: Section = {
  name: 'overload',
  summary: `${OVERLOAD.rate} messages a second, QoS 1 and QoS 0, and PUBACK latency afterwards`,
  needsLoad: true,
  async run(context) {
    const rows: unknown[] = []
    for (const qos of ['1', '0']) {
      rows.push(await overloadAt(qos, context))
      context.report(rows.at(-1))
    }
    return rows
  },
}

async function overloadAt(qos: string, { generator, freshDir }: BenchContext) {
  const subject = await product({ dir: freshDir() })
  try {
    const load = await generator.load(subject, OVERLOAD, ['--qos', qos])
    const { sent, acked } = load
    const rssMib = totalRssMib(subject)
    await pause(5000)
    const after = await generator.load(subject, AFTERWARDS)
    return { qos, sent, acked, rssMib, p99AfterMs: after.ack_ms.p99 }
  } finally {
    await subject.stop()
  }
}
