import { spawnSync } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import { systemClock } from '#lib/runtime/clock.ts'
import { requireConfig } from '#lib/runtime/config.ts'
import { createLog } from '#lib/runtime/log.ts'
import type { IncomingMessage } from '#lib/telemetry/message.ts'
import { openIngest, type Ingest } from '../../ingest/open-ingest.ts'
import { ingestOptions } from '../../platform/options.ts'
import { UNWATCHED } from '../../tests/support/ingest-options.ts'
import { startPlatform, type Platform } from '../../tests/support/platform.ts'
import { FLEET_DEVICES, METERS, fleetRows, meterRows } from './history.ts'
import type { FleetRow, History, MeterRow } from './history.ts'

const TENANT = 'bench'
const MAX_IN_FLIGHT = 20_000
/** Figures that may still be derived when the filling ends. */
const MAX_FIGURES_BEHIND = 50_000

interface Row {
  readonly device: string
  readonly receivedAtMs: number
  readonly payload: string
}

/**
 * Fills a data directory through the real intake: the same journal, formats, pipeline and store, only
 * the receive times are those of the history. Over MQTT every row would be late, and late rows are
 * left out of latency.
 */
export async function fillProduct(dataDir: string, history: History): Promise<void> {
  const platform = await startPlatform({ dataDir })
  await register(platform)
  await platform.stop()
  const config = requireConfig({ PADBORG_DATA_DIR: dataDir, PADBORG_LOG_LEVEL: 'warn' })
  const ingest = await openIngest(ingestOptions(config, dataDir), UNWATCHED, {
    clock: systemClock,
    log: createLog('warn'),
  })
  try {
    await acceptAll(ingest, merged(history))
    await drained(ingest)
  } finally {
    await ingest.close()
  }
  // A start and an orderly end checkpoint the rest.
  await (await startPlatform({ dataDir })).stop()
  spawnSync('sync')
}

async function register({ api }: Platform): Promise<void> {
  await api('/tenants', { body: { id: TENANT, name: 'Bench' } })
  for (const { kind, device } of FLEET_DEVICES) {
    await api('/devices', { body: { id: device, tenant: TENANT, kind } })
  }
  for (const { device, town } of METERS) {
    const settings = { role: 'delivered', town, registerStep: 1, maxPowerKw: 5000 }
    await api('/devices', { body: { id: device, tenant: TENANT, kind: 'heat_meter', settings } })
  }
}

/** Meters and fleet in the order of arrival. */
function* merged(history: History): Iterable<Row> {
  const meters = meterRows(history)[Symbol.iterator]()
  let meter = meters.next()
  for (const row of fleetRows(history)) {
    for (; !meter.done && meter.value.timeMs <= row.timeMs; meter = meters.next()) {
      yield meterMessage(meter.value)
    }
    yield fleetMessage(row)
  }
  for (; !meter.done; meter = meters.next()) yield meterMessage(meter.value)
}

function fleetMessage({ kind, device, seq, timeMs, delayMs, fields, radio }: FleetRow): Row {
  const payload = JSON.stringify({ v: 1, kind, ts: timeMs, seq, data: fields, radio })
  return { device, receivedAtMs: timeMs + delayMs, payload }
}

function meterMessage({ device, timeMs, energyKwh, powerKw }: MeterRow): Row {
  const data = { energyKwh, powerKw }
  const payload = JSON.stringify({ v: 1, kind: 'heat_meter', ts: timeMs, data })
  return { device, receivedAtMs: timeMs + 500, payload }
}

/** Bounded in memory, and paused while the journal is. */
async function acceptAll({ intake }: Ingest, rows: Iterable<Row>): Promise<void> {
  let inFlight = 0
  let wake: (() => void) | null = null
  intake.onPausedChange(() => wake?.())
  for (const row of rows) {
    while (inFlight >= MAX_IN_FLIGHT || intake.paused) {
      await new Promise<void>((resolve) => (wake = resolve))
    }
    inFlight += 1
    intake.accept(incomingMessage(row), () => {
      inFlight -= 1
      if (inFlight < MAX_IN_FLIGHT / 2) wake?.()
    })
  }
}

function incomingMessage({ device, receivedAtMs, payload }: Row): IncomingMessage {
  return {
    device: `${TENANT}.${device}`,
    topic: `padborg/v1/${TENANT}/${device}/telemetry`,
    payload: Buffer.from(payload),
    qos: 1,
    retain: false,
    dup: false,
    will: false,
    receivedAtNs: BigInt(Math.round(receivedAtMs * 1000)) * 1000n,
    receivedMonoNs: systemClock.monoNs(),
    origin: null,
  }
}

/** Everything stored, and its figures derived as in a platform that has kept up. */
async function drained(ingest: Ingest): Promise<void> {
  while (ingest.status().lagMessages > 0 || ingest.figuresBehind() >= MAX_FIGURES_BEHIND) {
    await pause(500)
  }
}
