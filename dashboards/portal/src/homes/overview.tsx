import { Clocks } from './testbed/clocks.tsx'
import { DeliverySums } from './platform/delivery.tsx'
import { HeatByTown } from './heat/heat.tsx'
import { Headline } from './testbed/headline.tsx'
import { Kinds } from './fleet/kinds.tsx'
import { LatencyByRat } from './testbed/latency.tsx'
import { Meters } from './heat/meters.tsx'
import { Positions } from './fleet/positions.tsx'
import { Rejections } from './platform/rejections.tsx'
import { MessageChart } from './testbed/throughput.tsx'

/** The first page: what is connected, how fast, how much heat, and what went wrong. */
export function Overview() {
  return (
    <div class="overview">
      <Headline />
      <Positions />
      <Kinds />
      <MessageChart />
      <HeatByTown />
      <LatencyByRat />
      <Clocks />
      <Meters />
      <DeliverySums />
      <Rejections />
    </div>
  )
}
