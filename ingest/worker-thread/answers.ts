import type { DatabaseSync } from 'node:sqlite'
import { offsetAt } from '#lib/kpi/network/clock.ts'
import { LATENCY_PERCENTILES, latencyRows } from '#lib/kpi/network/latency.ts'
import { lossRows } from '#lib/kpi/network/loss.ts'
import { throughputRows } from '#lib/kpi/network/throughput.ts'
import type { Clock } from '#lib/runtime/clock.ts'
import type { Handlers } from '#lib/runtime/threads/rpc.ts'
import type { ReadableStore, StoreReader } from '#lib/store/store.ts'
import type {
  AggregatesScan,
  FigureScan,
  LatencyScan,
  ReadingsFileScan,
  SinceScan,
} from '#lib/store/scans.ts'
import type {
  AvailabilityQuery,
  ClockRow,
  HeatQuery,
  LastValue,
  RejectionGroupsQuery,
  RejectionsQuery,
  ServiceQuery,
} from '#lib/telemetry/questions.ts'
import type { Scope } from '#lib/telemetry/scope.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import { inScope } from '#lib/telemetry/scope.ts'
import { createConformance, type ConformanceDeps } from '../conformance/conformance.ts'
import { answerHeat, type HeatDeps } from '../heat/heat-answers.ts'
import type { HeatHours } from '../heat/heat-hours.ts'
import type { JournalReader } from '../journal/journal.ts'
import { groupRejections } from '../rejections/rejection-groups.ts'
import { listRejections } from '../rejections/rejection-list.ts'
import {
  journaledCandidates,
  rejectedCandidates,
  type CandidatesQuery,
} from '../rejections/replay-candidates.ts'
import { answerAvailability, answerJitter } from './service-answers.ts'
import type { StageClock } from '../state/stage-clock.ts'
import { stageLatency } from '../state/stage-latency.ts'
import type { IntakeState, Shown } from '../state/intake-state.ts'

export interface AnswerDeps {
  /** Left out where other processes write to the same store. */
  readonly hours?: HeatHours
  readonly state: IntakeState
  readonly store: ReadableStore
  readonly db: DatabaseSync
  readonly stages: StageClock
  readonly clock: Clock
  readonly reader: JournalReader
  readonly devices: HeatDeps['devices']
  readonly device: ConformanceDeps['device']
  readonly credentialsOf: ConformanceDeps['credentialsOf']
  readonly secretOf: ConformanceDeps['secretOf']
  readonly silencesOf: ConformanceDeps['silencesOf']
  readonly timezone: string
  /** A new name for a file of readings. */
  exportPath(): string
}

export type ShownRow = Shown & { readonly device: FullId }

/** What the worker answers by name: the questions of the port, and two that only main asks. */
export function createAnswers(deps: AnswerDeps): Handlers {
  const { state, clock } = deps
  const { reader, exact, files } = deps.store
  const registers: StoreReader['registers'] = (scan, signal) => reader.registers(scan, signal)
  const delays: StoreReader['delays'] = (scan, signal) => reader.delays(scan, signal)
  const readings: StoreReader['readings'] = (scan, signal) => reader.readings(scan, signal)
  const heat = { ...deps, registers }
  const services = { delays }

  return {
    readings,
    readingsFile: (scan: ReadingsFileScan, signal: AbortSignal) =>
      files.readingsFile({ ...scan, path: deps.exportPath() }, signal),
    readingDevices: (scan: ReadingsFileScan, signal: AbortSignal) =>
      files.readingDevices(scan, signal),
    since: (scan: SinceScan, signal: AbortSignal) => reader.since(scan, signal),
    aggregates: (scan: AggregatesScan, signal: AbortSignal) => reader.aggregates(scan, signal),
    throughput: async (scan: FigureScan, signal: AbortSignal) =>
      throughputRows(await reader.counts(scan, signal), scan),
    loss: async (scan: FigureScan, signal: AbortSignal) =>
      lossRows(await reader.sequenceRuns(scan, signal)),
    heat: (query: HeatQuery, signal: AbortSignal) => answerHeat(heat, query, signal),
    availability: (query: AvailabilityQuery, signal: AbortSignal) =>
      answerAvailability(services, query, signal),
    jitter: (query: ServiceQuery, signal: AbortSignal) => answerJitter(services, query, signal),
    async latency(query: LatencyScan, signal: AbortSignal) {
      const percentiles = LATENCY_PERCENTILES
      const rows =
        (await exact?.exactLatency(query, signal)) ??
        latencyRows(await reader.latencyBuckets({ ...query, percentiles }, signal))
      return [...rows, ...platformLatency(deps, query)]
    },
    lastValues: (scope: Scope) => lastValues(state, scope),
    clocks: (scope: Scope) => clocks(state, scope, clock.nowNs()),
    conformance: createConformance({ ...deps, readings }),
    shown: (scope: Scope) => shownCounts(state, scope),
    rejections: (query: RejectionsQuery) => listRejections(deps.db, query),
    rejectionGroups: (query: RejectionGroupsQuery) => groupRejections(deps.db, query),
    candidates: ({ request, after }: CandidatesQuery) =>
      request.positions
        ? journaledCandidates(deps.reader, request, after)
        : rejectedCandidates(deps.db, request, after),
  }
}

/** The platform's own stages belong to nobody's devices: only an unlimited scope sees them. */
function platformLatency({ db, stages }: AnswerDeps, query: LatencyScan) {
  const { tenants, devices } = query.scope
  return tenants || devices ? [] : stageLatency(db, stages.peek(), query)
}

function lastValues(state: IntakeState, scope: Scope): LastValue[] {
  const values: LastValue[] = []
  for (const [id, device] of state.devices) {
    if (!inScope(scope, id)) continue
    for (const value of device.last.values()) {
      if (!scope.kinds || scope.kinds.includes(value.kind)) values.push(value)
    }
  }
  return values
}

function clocks(state: IntakeState, scope: Scope, nowNs: bigint): ClockRow[] {
  const rows: ClockRow[] = []
  for (const [device, { clock }] of state.devices) {
    if (!inScope(scope, device)) continue
    const found = offsetAt(clock, nowNs)
    if (!found) continue
    const { offsetNs, boundNs, measuredAtNs } = found
    rows.push({
      device,
      offsetMs: Number(offsetNs) / 1e6,
      boundMs: Number(boundNs) / 1e6,
      measuredAtNs,
    })
  }
  return rows
}

function shownCounts(state: IntakeState, scope: Scope): ShownRow[] {
  const rows: ShownRow[] = []
  for (const [device, { shown }] of state.devices) {
    if (inScope(scope, device)) rows.push({ device, ...shown })
  }
  return rows
}
