import { createDirectory } from '#lib/registry/topics/directory.ts'
import { createSubDevices } from '#lib/registry/sub-devices.ts'
import type { Metrics } from '#lib/runtime/metrics.ts'
import { openDerived } from '../ingest/derived/open-derived.ts'
import { InternalServer } from '../ingest/internal/server.ts'
import type { BatchCounts } from '../ingest/main-thread/worker-events.ts'
import { openIngest, type Ingest } from '../ingest/open-ingest.ts'
import { Owners } from '../ingest/sources/mqtt/messages/owners.ts'
import { openBrokerInlet, openOtherInlets, type BrokerInlet } from './message-inlets.ts'
import { influxOptions, ingestOptions, internalOptions } from './options.ts'
import type { PlatformParts, Ports } from './parts.ts'

export interface IntakeRole {
  readonly ingest: Ingest
  /** Lets messages and api roles in. */
  listen(): Promise<Ports>
}

/** The ingest role, what brings it messages, and where api roles of other processes reach it. */
export async function composeIntake(parts: PlatformParts): Promise<IntakeRole> {
  let broker: BrokerInlet | null = null
  const ingest = await openIngestRole(parts, () => broker)
  broker = await openBrokerInlet(parts, ingest.intake)
  const inlets = [broker, ...openOtherInlets(parts, ingest.intake)]
  exposeMetrics(parts.metrics, ingest)
  keepDerivedSeries(parts, ingest)
  const server = openInternalServer(parts, ingest)
  return {
    ingest,
    async listen() {
      const ports: Record<string, number> = {}
      for (const inlet of inlets) Object.assign(ports, await inlet.open())
      if (server) ports['ingest'] = await server.listen()
      return ports
    },
  }
}

/** `broker` is null while the ingest role opens: no message comes in before. */
async function openIngestRole(
  { config, dataDir, registry, metrics, lifecycle, clock, log }: PlatformParts,
  broker: () => BrokerInlet | null,
): Promise<Ingest> {
  // Behind a foreign broker, a device may have been registered for a topic since its messages were rejected.
  const owners = new Owners(registry, createDirectory(registry))
  const ingest = await openIngest(
    ingestOptions(config, dataDir.path),
    {
      notices: (notices) => notices.forEach((notice) => broker()?.notify(notice)),
      accepted: (messages) => metrics.count('padborg_messages_accepted_total', messages),
      committed: (counts) => countOutcomes(metrics, counts),
      fatal: (error) => lifecycle.fail('ingest', error),
    },
    {
      clock,
      log,
      createSubDevices: (wanted) => createSubDevices(registry, wanted, log),
      ownerOf: (topic) => owners.ownerOf(topic).device,
      // A foreign broker that sends nothing is a problem of this intake like a full disk.
      inletProblem: () => broker()?.problem() ?? '',
    },
  )
  lifecycle.onClose('ingest', () => ingest.close())
  registry.onChange(() => ingest.registryChanged())
  return ingest
}

/** Where api roles of other processes reach the intake; null while PADBORG_INGEST_PORT is off. */
function openInternalServer(parts: PlatformParts, ingest: Ingest): InternalServer | null {
  const { config, metrics, lifecycle, clock, log } = parts
  const options = internalOptions(config)
  if (!options) return null
  const { port, live, backups } = ingest
  const status = () => ingest.status()
  const server = new InternalServer({ port, live, backups, status, metrics, clock, log }, options)
  lifecycle.onClose('internal address', () => server.close())
  return server
}

/** What Grafana reads in InfluxDB beside the readings. */
function keepDerivedSeries(parts: PlatformParts, ingest: Ingest): void {
  const { config, dataDir, registry, metrics, lifecycle, clock, log } = parts
  const influx = influxOptions(config)
  if (!influx) return
  const { minuteDays, hourDays } = config.retention
  const derived = openDerived(
    {
      dataDir: dataDir.path,
      influx,
      isShared: config.foreignBroker.share !== undefined,
      keepDays: { minute: minuteDays, hour: hourDays },
      maxKeys: config.derived.maxKeys,
      certificate: config.tls.cert ?? null,
    },
    { ingest, devices: () => registry.devices.list(), clock, log },
  )
  lifecycle.onClose('derived series', () => derived.close())
  lifecycle.run(derived.done, 'derived series')
  registry.onChange(() => derived.registryChanged())
  metrics.gauge('padborg_derived_waiting', () => derived.status().waiting)
}

function countOutcomes(metrics: Metrics, counts: BatchCounts): void {
  metrics.count('padborg_messages_stored_total', counts.stored)
  metrics.count('padborg_messages_duplicate_total', counts.duplicate)
  for (const [reason, n] of Object.entries(counts.rejectedByReason)) {
    metrics.count('padborg_messages_rejected_total', n, { reason })
  }
}

function exposeMetrics(metrics: Metrics, ingest: Ingest): void {
  const { journal } = ingest
  metrics.gauge('padborg_journal_held', () => (journal.paused ? 1 : 0))
  metrics.gauge('padborg_journal_bytes', () => journal.status().bytes)
  metrics.gauge('padborg_journal_pending_messages', () => journal.status().pendingMessages)
  metrics.gauge('padborg_journal_syncs_total', () => journal.status().syncs)
  metrics.gauge('padborg_journal_failed_syncs_total', () => journal.status().failedSyncs)
  metrics.gauge('padborg_writer_lag_messages', () => ingest.status().lagMessages)
  metrics.gauge('padborg_writer_lag_seconds', () => ingest.status().lagMs / 1000)
  metrics.gauge('padborg_figures_behind_messages', () => ingest.figuresBehind())
  metrics.gauge('padborg_silent_robots', () => ingest.silentRobots())
  metrics.gauge('padborg_problems', () => ingest.status().problems.length)
}
