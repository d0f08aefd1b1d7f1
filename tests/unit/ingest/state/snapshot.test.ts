import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openIngestDb } from '../../../../ingest/state/ingest-db.ts'
import { loadState, saveSnapshot } from '../../../../ingest/state/snapshot.ts'
import {
  createIntakeState,
  noteCertificate,
  touchChannel,
  touchDevice,
} from '../../../../ingest/state/intake-state.ts'
import { T0 } from '../../../support/messages.ts'
import { temporaryDir } from '../../../support/platform.ts'

const DEVICE = 'acme.t1'
const LAST = {
  device: DEVICE,
  kind: 'truck',
  channel: 'telemetry',
  timeNs: T0,
  receivedAtNs: T0 + 1n,
  seq: 7,
  flags: [],
  // What people type may look like a number of ours.
  fields: { state: '7n', speedKmh: 51.5 },
  radio: null,
} as const
const CERTIFICATE = {
  commonName: '12n',
  fingerprint256: 'AB:CD',
  validToNs: T0,
  problem: null,
  signedIn: true,
  seenAtNs: -1n,
}

it('gives back the saved state after a restart: bigints as bigints, text that looks like one as text', () => {
  const dir = temporaryDir('ingest-db')
  const path = join(dir.path, 'ingest.db')
  const state = createIntakeState()
  const device = touchDevice(state, DEVICE)
  device.last.set('truck', LAST)
  device.traffic.topic = '3n'
  device.traffic.firstNs = T0
  noteCertificate(state, DEVICE, CERTIFICATE)
  let db = openIngestDb(path)
  saveSnapshot(db, state, { journal: 'one', position: 9, parts: {}, stages: [] })
  db.close()

  db = openIngestDb(path)
  const loaded = loadState(db, 64).devices.get(DEVICE)
  expect(loaded?.last.get('truck')).toEqual(LAST)
  expect(loaded?.certificate).toEqual(CERTIFICATE)
  expect(loaded?.traffic).toEqual(device.traffic)
  db.close()
  dir.remove()
})

it('reads the rows of version 4, where a bigint is a text, and keeps the texts of devices', () => {
  const dir = temporaryDir('ingest-db')
  const db = openIngestDb(join(dir.path, 'ingest.db'))
  const old = (value: unknown) =>
    JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? `${inner}n` : inner))
  const traffic = { ...touchDevice(createIntakeState(), DEVICE).traffic, firstNs: T0, topic: '3n' }
  db.prepare(
    `INSERT INTO devices (id, read, stored, rejected, duplicate, late, partial, commands, clock,
       traffic, certificate) VALUES (?, 1, 1, 0, 0, 0, 0, 0, '{"samples":[]}', ?, ?)`,
  ).run(DEVICE, old(traffic), old(CERTIFICATE))
  db.prepare('INSERT INTO last_values VALUES (?, ?, ?)').run(DEVICE, 'truck', old(LAST))
  const loaded = loadState(db, 64).devices.get(DEVICE)
  expect(loaded?.last.get('truck')).toEqual(LAST)
  expect(loaded?.certificate).toEqual(CERTIFICATE)
  expect(loaded?.traffic).toEqual(traffic)
  db.close()
  dir.remove()
})

it('keeps the channels that were heard last, where an earlier version kept more than there may be', () => {
  const dir = temporaryDir('ingest-db')
  const db = openIngestDb(join(dir.path, 'ingest.db'))
  const state = createIntakeState()
  const device = touchDevice(state, DEVICE)
  for (let n = 0; n < 1000; n += 1) {
    const channel = touchChannel(device, `ch/${n}`, Infinity)
    if (channel) channel.memory.maxTimeNs = BigInt((n * 7919) % 1000)
  }
  saveSnapshot(db, state, { journal: 'one', position: 9, parts: {}, stages: [] })
  const channels = loadState(db, 64).devices.get(DEVICE)?.channels
  const times = [...(channels?.values() ?? [])].map(({ memory }) => Number(memory.maxTimeNs))
  expect(times.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 64 }, (_, at) => 936 + at))
  db.close()
  dir.remove()
})
