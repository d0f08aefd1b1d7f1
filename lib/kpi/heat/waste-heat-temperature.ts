/** One momentary reading at the hand-off; null where the meter did not say. */
export interface TemperatureSample {
  /** Unix ns. */
  readonly timeNs: bigint
  readonly tFlowC: number | null
  readonly volumeFlowM3h: number | null
}

/** Differences of the registers of volume and of volume times flow temperature (Kamstrup E8). */
export interface VolumeDeltas {
  readonly volumeM3: number
  readonly e8M3c: number
}

export interface WasteHeatTemperature {
  /** dE8/dV from registers, else from flow times temperature; null where no water flowed. */
  readonly volumeWeightedC: number | null
  readonly volumeMethod: 'dE8/dV' | 'momentary flow' | null
  /** Mean over the time that the samples cover. */
  readonly timeMeanC: number | null
  /** Share of the span that lies between two samples near enough to one another, 0..1. */
  readonly coverage: number
  readonly unit: 'Cel'
}

/**
 * T_WH, mean temperature of the waste heat (Delegated Regulation (EU) 2024/1364, Annex II 1(k)).
 * The regulation says "average": the volume-weighted mean is the physical one, the mean over time
 * the usual one, so both are given (docs/domain.md 7.3). Samples in any order; between two of them
 * that are at most `maxIntervalNs` apart their mean holds, in longer gaps nothing is assumed.
 */
export function wasteHeatTemperature(
  samples: readonly TemperatureSample[],
  span: { readonly fromNs: bigint; readonly toNs: bigint; readonly maxIntervalNs: bigint },
  registers: VolumeDeltas | null = null,
): WasteHeatTemperature {
  const { timeS, temperatureS, volume, heat } = sumsOf(samples, span)
  const spanS = Number(span.toNs - span.fromNs) / 1e9
  const byRegister =
    registers && registers.volumeM3 > 0 ? registers.e8M3c / registers.volumeM3 : null
  const byFlow = volume > 0 ? heat / volume : null
  return {
    volumeWeightedC: byRegister ?? byFlow,
    volumeMethod: byRegister !== null ? 'dE8/dV' : byFlow !== null ? 'momentary flow' : null,
    timeMeanC: timeS > 0 ? temperatureS / timeS : null,
    coverage: spanS > 0 ? timeS / spanS : 0,
    unit: 'Cel',
  }
}

/** Integrals over the covered time: of one, temperature, flow, and flow times temperature. */
interface Sums {
  timeS: number
  temperatureS: number
  volume: number
  heat: number
}

function sumsOf(
  samples: readonly TemperatureSample[],
  { fromNs, toNs, maxIntervalNs }: { fromNs: bigint; toNs: bigint; maxIntervalNs: bigint },
): Sums {
  const sorted = samples
    .filter(({ tFlowC }) => tFlowC !== null)
    .toSorted((a, b) => Number(a.timeNs - b.timeNs))
  const sums: Sums = { timeS: 0, temperatureS: 0, volume: 0, heat: 0 }
  for (const [at, sample] of sorted.entries()) {
    const before = sorted[at - 1]
    if (!before || sample.timeNs - before.timeNs > maxIntervalNs) continue
    const startNs = before.timeNs > fromNs ? before.timeNs : fromNs
    const endNs = sample.timeNs < toNs ? sample.timeNs : toNs
    if (endNs <= startNs) continue
    const timeS = Number(endNs - startNs) / 1e9
    const meanC = ((before.tFlowC ?? 0) + (sample.tFlowC ?? 0)) / 2
    // Water that flows back carries no waste heat.
    const flow = Math.max(0, ((before.volumeFlowM3h ?? 0) + (sample.volumeFlowM3h ?? 0)) / 2)
    sums.timeS += timeS
    sums.temperatureS += timeS * meanC
    sums.volume += timeS * flow
    sums.heat += timeS * flow * meanC
  }
  return sums
}
