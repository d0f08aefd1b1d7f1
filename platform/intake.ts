import type { Clock } from '#lib/runtime/clock.ts'
import type { Config } from '#lib/runtime/settings/sections.ts'
import type { DataDir } from '#lib/runtime/data-dir.ts'
import type { Lifecycle } from '#lib/runtime/lifecycle.ts'
import type { Log } from '#lib/runtime/log.ts'
import type { Metrics } from '#lib/runtime/metrics.ts'
import type { Role } from '#lib/runtime/settings/roles.ts'
import { createDirectory } from '#lib/registry/index/directory.ts'
import { createSubDevices } from '#lib/registry/sub-devices.ts'
import type { Registry } from '#lib/registry/registry.ts'
import type { DeviceNotice } from '#lib/telemetry/intake.ts'
import type { IngestStatus, Questions } from '#lib/telemetry/questions.ts'
import { createBroker } from '../broker/broker.ts'
import { createInternalServer } from '../ingest/internal/server.ts'
import { openDerived } from '../ingest/derived/open-derived.ts'
import { openIngest, type Ingest, type SettledCounts } from '../ingest/open-ingest.ts'
import { createRfmsPoller } from '../ingest/sources/rfms/poller.ts'
import { readRfmsServers } from '../ingest/sources/rfms/servers-file.ts'
import { createTeltonikaListener } from '../ingest/sources/teltonika/listener.ts'
import { createMqttSource } from '../ingest/sources/mqtt/mqtt-source.ts'
import { createOwners } from '../ingest/sources/mqtt/owners.ts'
import {
  brokerOptions,
  influxOptions,
  foreignBrokerOptions,
  ingestOptions,
  internalOptions,
} from './options.ts'

export interface Parts {
  readonly config: Config
  readonly roles: ReadonlySet<Role>
  readonly dataDir: DataDir
  readonly registry: Registry
  readonly metrics: Metrics
  readonly lifecycle: Lifecycle
  readonly clock: Clock
  readonly log: Log
}

/** What brings messages, and takes what devices are to be told. */
interface Door {
  /** The ports it listens on, if it does. */
  open(): Promise<Readonly<Record<string, number>>>
  notify(notice: DeviceNotice): void
  /** Why no messages come; '' when they can. */
  problem(): string
}

export interface Intake {
  readonly ingest: Ingest
  /** Lets messages and api roles in; the real ports. */
  listen(): Promise<Readonly<Record<string, number>>>
}

/** The ingest role, what brings it messages, and where api roles of other processes reach it. */
export async function composeIntake(parts: Parts): Promise<Intake> {
  const { config, dataDir, registry, metrics, lifecycle, clock, log } = parts
  // Behind a foreign broker a topic may have found its device since its messages were rejected.
  const owners = createOwners(registry, createDirectory(registry))
  const opened = await openIngest(
    ingestOptions(config, dataDir.path),
    {
      // The door exists before the first message can be settled: it is what lets them in.
      notices: (notices) => notices.forEach((notice) => door?.notify(notice)),
      accepted: (messages) => metrics.count('padborg_messages_accepted_total', messages),
      settled: (counts) => countSettled(metrics, counts),
      fatal: (error) => lifecycle.fail('ingest', error),
    },
    {
      clock,
      log,
      createSubDevices: (wanted) => createSubDevices(registry, wanted, log),
      ownerOf: (topic) => owners.ownerOf(topic).device,
    },
  )
  lifecycle.onClose('ingest', () => opened.close())
  registry.onChange(() => opened.registryChanged())
  const door = await openDoor(parts, opened)
  const sources = openSources(parts, opened)
  const ingest = { ...opened, ...withDoor(opened, door) }
  showIngest(metrics, ingest)
  keepDerived(parts, ingest)

  const internal = internalOptions(config)
  const server = internal && createInternalServer({ ...ingest, metrics, clock, log }, internal)
  if (server) lifecycle.onClose('internal address', () => server.close())
  return {
    ingest,
    async listen() {
      const ports = { ...(await door.open()), ...(await sources.open()) }
      return server ? { ...ports, ingest: await server.listen() } : ports
    },
  }
}

/** What brings messages beside the door, where the settings ask for it; closed before the intake. */
function openSources(parts: Parts, { intake }: Ingest): Pick<Door, 'open'> {
  const { config, dataDir, registry, metrics, lifecycle, clock, log } = parts
  const trackers = trackersOf(parts, intake)
  const file = config.rfms.file
  const pollers = (file === undefined ? [] : readRfmsServers(file)).map((server) =>
    createRfmsPoller({ server, dataDir: dataDir.path }, { intake, registry, clock, log }),
  )
  for (const poller of pollers) lifecycle.onClose('rFMS', () => poller.close())
  if (trackers) {
    lifecycle.onClose('trackers', () => trackers.close())
    metrics.gauge('padborg_teltonika_connections', () => trackers.status().connections)
  }
  return {
    async open() {
      for (const poller of pollers) await poller.start()
      return trackers ? { teltonika: await trackers.listen() } : {}
    },
  }
}

function trackersOf({ config, registry, metrics, clock, log }: Parts, intake: Ingest['intake']) {
  const { port } = config.teltonika
  if (port === 'off') return null
  const refused = (reason: string) =>
    metrics.count('padborg_teltonika_refused_total', 1, { reason })
  const keepUnknown = config.teltonika.keepUnknown === 'on'
  const options = { host: config.listeners.host, port, keepUnknown }
  return createTeltonikaListener(options, { intake, registry, clock, log, refused })
}

/** What Grafana reads in InfluxDB beside the readings. */
function keepDerived(parts: Parts, ingest: Ingest): void {
  const { config, dataDir, registry, metrics, lifecycle, clock, log } = parts
  const influx = influxOptions(config)
  if (!influx) return
  const derived = openDerived(
    {
      dataDir: dataDir.path,
      influx,
      isShared: config.foreignBroker.share !== undefined,
      keepDays: {
        minute: config.retention.minuteDays,
        hour: config.retention.hourDays,
      },
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

/** The one place that decides where messages come from: the built-in broker or a foreign one. */
async function openDoor(parts: Parts, { intake }: Ingest): Promise<Door> {
  const { config, dataDir, registry, metrics, lifecycle, clock, log } = parts
  const directory = createDirectory(registry)
  const deps = { intake, registry, directory, metrics, clock, log }
  const foreign = foreignBrokerOptions(config, dataDir.path)
  if (foreign) {
    const source = createMqttSource(foreign, deps)
    lifecycle.onClose('foreign broker', () => source.close())
    metrics.gauge('padborg_source_connected', () => (source.status().connected ? 1 : 0))
    metrics.gauge('padborg_source_in_flight', () => source.status().inFlight)
    const open = async () => {
      await source.start()
      return {}
    }
    const notify = (notice: DeviceNotice) => source.notify(notice)
    return { open, notify, problem: () => source.status().problem }
  }
  const broker = await createBroker(deps, brokerOptions(config, dataDir.path))
  lifecycle.onClose('broker', () => broker.close())
  const open = async () => ({ ...(await broker.listen()) })
  return { open, notify: (notice) => broker.notify(notice), problem: () => '' }
}

/** A foreign broker that sends nothing is a problem of this intake like a full disk. */
function withDoor(ingest: Ingest, door: Door): Pick<Ingest, 'port' | 'status'> {
  const also = (now: IngestStatus): IngestStatus => {
    const text = door.problem()
    return text === '' ? now : { ...now, problems: [...now.problems, text] }
  }
  return {
    status: () => also(ingest.status()),
    port: {
      async ask<K extends keyof Questions>(
        name: K,
        question: Questions[K][0],
        signal?: AbortSignal,
      ) {
        const answer: Questions[K][1] = await ingest.port.ask(name, question, signal)
        // Of the question with this name.
        return name === 'status' ? also(answer as IngestStatus) : answer
      },
    },
  }
}

function countSettled(metrics: Metrics, counts: SettledCounts): void {
  metrics.count('padborg_messages_stored_total', counts.stored)
  metrics.count('padborg_messages_duplicate_total', counts.duplicate)
  for (const [reason, n] of Object.entries(counts.rejectedByReason)) {
    metrics.count('padborg_messages_rejected_total', n, { reason })
  }
}

function showIngest(metrics: Metrics, ingest: Ingest): void {
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
