import { Kinds } from './fleet/kinds.tsx'
import { Positions } from './fleet/positions.tsx'
import { Headline } from './headline.tsx'
import { Meters } from './heat/meters.tsx'
import { RecoveredHeat } from './heat/recovered-heat.tsx'
import './overview.css'
import { DeliveryCounts } from './platform/delivery.tsx'
import { Rejections } from './platform/rejections.tsx'
import { ArrivalGaps } from './testbed/arrivals.tsx'
import { Clocks } from './testbed/clocks.tsx'
import { LatencyByRat } from './testbed/latency.tsx'
import { Throughput } from './testbed/throughput.tsx'

/** The first page: the devices, the network, the heat, and what went wrong. */
export function Overview() {
  return (
    <div class="overview">
      <Headline />
      <Positions />
      <Kinds />
      <Throughput />
      <RecoveredHeat />
      <LatencyByRat />
      <Clocks />
      <Meters />
      <DeliveryCounts />
      <Rejections />
      <ArrivalGaps />
    </div>
  )
}
