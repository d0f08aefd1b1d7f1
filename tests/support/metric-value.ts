import type { Metrics } from '#lib/runtime/metrics.ts'

/** The value of a counter or gauge; labels as Prometheus writes them. 0: it was not counted yet. */
export async function metricValue(metrics: Metrics, name: string): Promise<number> {
  const { text } = await metrics.show()
  const line = text.split('\n').find((one) => one.startsWith(`${name} `))
  return line ? Number(line.slice(name.length)) : 0
}
