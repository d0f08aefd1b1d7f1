import { createDirectory } from '#lib/registry/topics/directory.ts'
import type { DeviceNotice, Intake } from '#lib/telemetry/intake.ts'
import { createBroker } from '../broker/broker.ts'
import { MqttSource } from '../ingest/sources/mqtt/mqtt-source.ts'
import { RfmsPoller } from '../ingest/sources/rfms/poller.ts'
import { readRfmsServers } from '../ingest/sources/rfms/servers-file.ts'
import { TeltonikaListener } from '../ingest/sources/teltonika/listener.ts'
import { brokerOptions, foreignBrokerOptions } from './options.ts'
import type { PlatformParts, Ports } from './parts.ts'

/** What brings messages to the intake. Closed before it. */
export interface MessageInlet {
  /** The ports it listens on, if it does. */
  open(): Promise<Ports>
}

/** A broker also sends notices to devices. */
export interface BrokerInlet extends MessageInlet {
  notify(notice: DeviceNotice): void
  /** Why no messages come; '' when they can. */
  problem(): string
}

/** The one place that decides where messages come from: the built-in broker or a foreign one. */
export async function openBrokerInlet(parts: PlatformParts, intake: Intake): Promise<BrokerInlet> {
  const { config, dataDir, registry, metrics, lifecycle, clock, log } = parts
  const directory = createDirectory(registry)
  const deps = { intake, registry, directory, metrics, clock, log }
  const foreign = foreignBrokerOptions(config, dataDir.path)
  if (foreign) return openForeignBroker(parts, new MqttSource(foreign, deps))
  const broker = await createBroker(deps, brokerOptions(config, dataDir.path))
  lifecycle.onClose('broker', () => broker.close())
  return {
    open: async () => ({ ...(await broker.listen()) }),
    notify: (notice) => broker.notify(notice),
    problem: () => '',
  }
}

function openForeignBroker({ metrics, lifecycle }: PlatformParts, source: MqttSource): BrokerInlet {
  lifecycle.onClose('foreign broker', () => source.close())
  metrics.gauge('padborg_source_connected', () => (source.status().connected ? 1 : 0))
  metrics.gauge('padborg_source_in_flight', () => source.status().inFlight)
  return {
    async open() {
      await source.start()
      return {}
    },
    notify: (notice) => source.notify(notice),
    problem: () => source.status().problem,
  }
}

/** What brings messages beside a broker, as far as the settings enable it. */
export function openOtherInlets(parts: PlatformParts, intake: Intake): readonly MessageInlet[] {
  return [...rfmsInlets(parts, intake), ...teltonikaInlets(parts, intake)]
}

function rfmsInlets(parts: PlatformParts, intake: Intake): readonly MessageInlet[] {
  const { config, dataDir, registry, lifecycle, clock, log } = parts
  const { file } = config.rfms
  if (file === undefined) return []
  return readRfmsServers(file).map((server) => {
    const poller = new RfmsPoller(
      { server, dataDir: dataDir.path },
      { intake, registry, clock, log },
    )
    lifecycle.onClose('rFMS', () => poller.close())
    return {
      async open() {
        await poller.start()
        return {}
      },
    }
  })
}

function teltonikaInlets(parts: PlatformParts, intake: Intake): readonly MessageInlet[] {
  const { config, registry, metrics, lifecycle, clock, log } = parts
  const { port, keepUnknown } = config.teltonika
  if (port === 'off') return []
  const listener = new TeltonikaListener(
    { host: config.listeners.host, port, keepUnknown: keepUnknown === 'on' },
    {
      intake,
      registry,
      clock,
      log,
      refused: (reason) => metrics.count('padborg_teltonika_refused_total', 1, { reason }),
    },
  )
  lifecycle.onClose('trackers', () => listener.close())
  metrics.gauge('padborg_teltonika_connections', () => listener.status().connections)
  return [{ open: async () => ({ teltonika: await listener.listen() }) }]
}
