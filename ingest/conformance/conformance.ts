import type { DatabaseSync } from 'node:sqlite'
import type { Credential, Device } from '#lib/registry/registry.ts'
import type { Clock } from '#lib/runtime/clock.ts'
import { PlatformError } from '#lib/runtime/errors.ts'
import { KINDS } from '#lib/telemetry/catalogue.ts'
import type { ConformanceReport } from '#lib/telemetry/conformance.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { SilenceRow } from '#lib/telemetry/live.ts'
import type { ReadingRow } from '#lib/telemetry/reading.ts'
import type { ReadReadings } from '#lib/queries/intake-state.ts'
import { HOUR_NS } from '#lib/telemetry/time-grid.ts'
import type { DeviceState, IntakeState } from '../state/intake-state.ts'
import { constantLagMs, factsOf } from './evidence/facts.ts'
import { findAll } from './catalogue.ts'
import { findOtherFormat } from './evidence/other-format.ts'
import { createRejectionReader } from './evidence/rejection-groups.ts'

export interface ConformanceDeps {
  readonly state: IntakeState
  readonly db: DatabaseSync
  readonly clock: Clock
  readonly timezone: string
  device(id: FullId): Device | null
  credentialsOf(id: FullId): readonly Credential[]
  secretOf(id: FullId, name: string): string | null
  silencesOf(id: FullId): readonly SilenceRow[]
}

type Conformance = (device: FullId, read: ReadReadings) => Promise<ConformanceReport>

/** Rejections older than this are history. */
const REJECTED_WITHIN_NS = 24n * HOUR_NS
/** So many readings are read from the store, and none older than this before the latest. */
const READINGS = 500
const LOOK_BACK_NS = { fleet: HOUR_NS, metering: 96n * HOUR_NS } as const

/** Finds what is wrong with a device's messages: state, a few rejections, a few readings. */
export function createConformance(deps: ConformanceDeps): Conformance {
  const readRejections = createRejectionReader(deps.db)
  return async (id, read) => {
    const device = deps.device(id)
    if (!device) {
      throw new PlatformError('REGISTRY_MISSING', `expected a registered device, got ${id}`)
    }
    const nowNs = deps.clock.nowNs()
    const state = deps.state.devices.get(id) ?? null
    const facts = factsOf(device, state, nowNs)
    const last = state ? [...state.last.values()] : []
    const { groups, lastWhole } = readRejections(id, nowNs - REJECTED_WITHIN_NS)
    const secretOf = (name: string) => deps.secretOf(id, name)
    const otherFormat =
      lastWhole && findOtherFormat(lastWhole, { device, timezone: deps.timezone, secretOf })
    const readings = await latestReadings(device, state, read)
    const evidence = {
      device,
      credentials: deps.credentialsOf(id),
      nowNs,
      facts,
      constantLagMs: state && constantLagMs(state),
      rejected: groups,
      otherFormat,
      last,
      readings,
      silences: deps.silencesOf(id),
    }
    return { device: id, findings: findAll(evidence), facts }
  }
}

async function latestReadings(
  { id, kind }: Device,
  state: DeviceState | null,
  read: ReadReadings,
): Promise<ReadingRow[]> {
  const latest = kind === 'gateway' ? undefined : state?.last.get(kind)
  if (kind === 'gateway' || !latest) return []
  const { data } = await read({
    scope: { tenants: null, devices: [id], kinds: [kind] },
    kind,
    fromNs: latest.timeNs - LOOK_BACK_NS[KINDS[kind].retention],
    toNs: latest.timeNs + 1n,
    fields: null,
    order: 'desc',
    limit: READINGS,
    cursor: null,
  })
  return data.toReversed()
}
