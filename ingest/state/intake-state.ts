import { type ClockFilter, createClockFilter } from '#lib/kpi/network/clock.ts'
import { type LossState, createLossState } from '#lib/kpi/network/loss.ts'
import type { FullId } from '#lib/telemetry/ids.ts'
import type { ClientCertificate } from '#lib/telemetry/intake.ts'
import type { LastValue } from '#lib/telemetry/reading.ts'
import { createTraffic, type Traffic } from '../conformance/traffic.ts'
import { createConstantLag, type ConstantLag } from './constant-lag.ts'
import { createChannelMemory, type ChannelMemory } from './duplicate-memory.ts'

/** Messages of one device, each counted in exactly one of stored, rejected and duplicate. */
export interface Counts {
  /** Messages read from the journal: what the other three must add up to. */
  read: number
  stored: number
  rejected: number
  duplicate: number
  late: number
  partial: number
  commands: number
}

export type Shown = Readonly<Counts> & { readonly lost: number }

export interface ChannelState {
  memory: ChannelMemory
  loss: LossState
  /** Highest sequence number seen; a lower one on a newer reading was used before. */
  maxSeq: number
  /** Whether its clock is behind, as far as its readings tell. */
  lag: ConstantLag
}

/** What the intake knows of one device: a fold over its journal records. */
export interface DeviceState {
  readonly counts: Counts
  /** The counts as of the last batch that is completely in the store: what results show. */
  shown: Shown
  readonly channels: Map<string, ChannelState>
  /** Latest reading per kind without `clock_invalid`. */
  readonly last: Map<string, LastValue>
  clock: ClockFilter
  /** How it uses MQTT, for its conformance. */
  traffic: Traffic
  /** What its last sign-in came with; not of the journal, as clock and commands are not. */
  certificate: ClientCertificate | null
}

/**
 * The state of the intake: everything that is decided from earlier messages. It is saved from time
 * to time together with the position it belongs to; after a crash the journal is read again from
 * there, and the same messages give the same state.
 */
export interface IntakeState {
  readonly devices: Map<FullId, DeviceState>
  /** Devices changed since the last snapshot. */
  readonly dirty: Set<FullId>
  /** Batches since the start. */
  batch: number
  /** All that changed it is in the store and in the rejections too: it may be saved. */
  isCommitted: boolean
}

export function createIntakeState(): IntakeState {
  return { devices: new Map(), dirty: new Set(), batch: 0, isCommitted: true }
}

/** The state of a device, made when it is first seen; marks it as changed. */
export function touchDevice(state: IntakeState, device: FullId): DeviceState {
  state.dirty.add(device)
  const known = state.devices.get(device)
  if (known) return known
  const made = createDeviceState()
  state.devices.set(device, made)
  return made
}

/** The state of a channel, made when it is first seen; null where the device has too many. */
export function touchChannel(
  device: DeviceState,
  channel: string,
  maxChannels: number,
): ChannelState | null {
  const known = device.channels.get(channel)
  if (known) return known
  if (device.channels.size >= maxChannels) return null
  const made = {
    memory: createChannelMemory(),
    loss: createLossState(),
    maxSeq: -1,
    lag: createConstantLag(),
  }
  device.channels.set(channel, made)
  return made
}

/** Lost messages of a device: gaps in the sequence numbers of its channels. */
function lostOf(device: DeviceState): number {
  let lost = 0
  for (const channel of device.channels.values()) lost += channel.loss.lost
  return lost
}

/** Makes what a batch changed visible, once its rows are in the store. */
export function showCounts(state: IntakeState, devices: Iterable<FullId>): void {
  for (const id of devices) {
    const device = state.devices.get(id)
    if (device) device.shown = { ...device.counts, lost: lostOf(device) }
  }
}

export function createDeviceState(): DeviceState {
  const none = { read: 0, stored: 0, rejected: 0, duplicate: 0, late: 0, partial: 0, commands: 0 }
  return {
    counts: { ...none },
    shown: { ...none, lost: 0 },
    channels: new Map(),
    last: new Map(),
    clock: createClockFilter(),
    traffic: createTraffic(),
    certificate: null,
  }
}

/** A device that never had a certificate costs nothing when it signs in without. */
export function noteCertificate(
  state: IntakeState,
  device: FullId,
  certificate: ClientCertificate | null,
): void {
  if (certificate === null && !state.devices.get(device)?.certificate) return
  touchDevice(state, device).certificate = certificate
}
