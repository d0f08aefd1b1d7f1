import { Clocks } from './clocks.tsx'
import { DeliverySums } from './delivery.tsx'
import { HeatByTown } from './heat.tsx'
import { Headline } from './headline.tsx'
import { Kinds } from './kinds.tsx'
import { LatencyByRat } from './latency.tsx'
import { Meters } from './meters.tsx'
import { Positions } from './positions.tsx'
import { Rejections } from './rejections.tsx'
import { MessageChart } from './throughput.tsx'

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
