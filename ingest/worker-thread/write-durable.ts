import { addSample } from '#lib/kpi/network/clock.ts'
import type { Marker } from '../derived/marker.ts'
import type { HeatHours } from '#lib/queries/heat/hours.ts'
import type { LiveWatch } from '../live/live-watch.ts'
import {
  noteCertificate,
  showCounts,
  touchDevice,
  type IntakeState,
} from '../state/intake-state.ts'
import type { StageClock } from '../state/stage-clock.ts'
import type { FromWorker, ToWorker } from '../thread-messages.ts'
import type { Writer, Written } from './writer.ts'

interface WriteContext {
  readonly state: IntakeState
  readonly stages: StageClock
  readonly writer: Writer
  readonly marker: Marker | null
  readonly hours: HeatHours
  readonly live: LiveWatch
  readonly post: (message: FromWorker) => void
}

/** Stores what the journal has made durable, and reports each batch to those who follow it. */
export async function writeDurable(
  message: ToWorker & { readonly type: 'durable' },
  context: WriteContext,
): Promise<void> {
  noteDevices(message, context)
  await context.writer.writeTo(message.durable, (written) => publish(written, context))
}

/** What the main thread noticed of devices, beside their messages. */
function noteDevices(
  { clocks, certificates, commands, stages }: ToWorker & { readonly type: 'durable' },
  { state, stages: stageClock }: WriteContext,
): void {
  for (const [device, sample] of clocks) {
    const known = touchDevice(state, device)
    known.clock = addSample(known.clock, sample)
  }
  for (const [device, certificate] of certificates) noteCertificate(state, device, certificate)
  for (const [device, n] of commands) {
    touchDevice(state, device).counts.commands += n
    showCounts(state, [device])
  }
  for (const count of stages) stageClock.addCount(count)
}

function publish(
  { outcome, cursor, ...rest }: Written,
  { marker, hours, live, post }: WriteContext,
): void {
  const { position } = cursor
  const { readings, replays, counts } = outcome
  marker?.touched(readings)
  hours.stored(readings)
  const batch = live.batchOf(outcome, position)
  if (batch) post({ type: 'live', batch })
  post({ type: 'written', position, replays, counts, ...rest })
}
