import { setTimeout as pause } from 'node:timers/promises'
import { connectAsync } from 'mqtt'
import { median } from '../machine.ts'
import type { Probe, Subject } from '../subjects/subject.ts'
import type { Generator } from './generator.ts'

const PROBES = 30
const TIMEOUT_MS = 20_000
/** Above any sequence number of the load. */
const FIRST_SEQ = 1_900_000_000

/** Median time in ms from publish to visible in a query, under half the load; null without a probe. */
export async function queryableMs(
  subject: Subject,
  generator: Generator,
  rate: number,
): Promise<number | null> {
  if (!subject.probe) return null
  const background = generator.loadInBackground(subject, {
    rate: Math.round(rate / 2),
    seconds: 15,
  })
  await pause(2500)
  const times = await probeTimes(subject.probe)
  await background
  return Math.round(median(times))
}

async function probeTimes(probe: Probe): Promise<readonly number[]> {
  const { url, topic, username, password = '' } = probe
  const account = username === undefined ? {} : { username, password }
  const client = await connectAsync(url, { clientId: 'probe', ...account })
  const times: number[] = []
  for (let n = 0; n < PROBES; n += 1) {
    const seq = FIRST_SEQ + n
    const begun = performance.now()
    client.publish(topic, probe.payload(seq), { qos: 1 })
    while (!(await probe.isThere(seq)) && performance.now() - begun < TIMEOUT_MS) await pause(10)
    times.push(performance.now() - begun)
    await pause(100)
  }
  await client.endAsync()
  return times
}
