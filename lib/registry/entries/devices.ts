import type { StatementSync } from 'node:sqlite'
import { transaction } from '#lib/runtime/sqlite.ts'
import type { FormatDeclaration } from '#lib/telemetry/format-declaration.ts'
import { fullId, shortIdOf, type FullId } from '#lib/telemetry/ids.ts'
import { figuresBefore, secretsApart } from '../device-settings.ts'
import { forget, remember, replace } from '../memory/memory.ts'
import type {
  Device,
  DeviceChange,
  Devices,
  NewDevice,
  PastSettings,
  RegistryChange,
} from '../registry.ts'
import { missing } from './checks.ts'
import { isoOfMs, nowMs, type RegistryContext } from './context.ts'
import {
  checkChangedDevice,
  checkNewDevice,
  requireRoomForHistory,
  validFromOf,
} from './device-checks.ts'
import { mergePatch } from './merge-patch.ts'

export class DeviceTable implements Devices {
  readonly #context: RegistryContext
  readonly #formats: readonly FormatDeclaration[]
  readonly #insert: StatementSync
  readonly #insertSecret: StatementSync
  readonly #change: StatementSync
  readonly #removeSecrets: StatementSync
  readonly #insertPast: StatementSync
  readonly #remove: StatementSync

  constructor(context: RegistryContext, formats: readonly FormatDeclaration[]) {
    const { db } = context
    this.#context = context
    this.#formats = formats
    this.#insert = db.prepare(
      `INSERT INTO devices
         (id, tenant, name, kind, format, topics, gateway, site, settings, created_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    )
    this.#insertSecret = db.prepare(
      'INSERT INTO device_secrets (device, name, value) VALUES (?, ?, ?)',
    )
    this.#change = db.prepare(
      'UPDATE devices SET name = ?, format = ?, topics = ?, site = ?, settings = ? WHERE id = ?',
    )
    this.#removeSecrets = db.prepare('DELETE FROM device_secrets WHERE device = ?')
    this.#insertPast = db.prepare(
      `INSERT INTO device_history (device, valid_to, changed_at, changed_by, settings)
       VALUES (?, ?, ?, ?, ?)`,
    )
    this.#remove = db.prepare('DELETE FROM devices WHERE id = ?')
  }

  list(): readonly Device[] {
    this.#context.requireOpen()
    return this.#context.memory.devices.list()
  }

  get(id: FullId): Device | null {
    this.#context.requireOpen()
    return this.#context.memory.devices.get(id)
  }

  create(asGiven: NewDevice): Device {
    const { memory, clock, requireFresh, changed } = this.#context
    requireFresh()
    const given = secretsApart(asGiven, this.#formats)
    checkNewDevice(given, { memory, formats: this.#formats })
    const secrets = { ...given.secrets }
    const device = deviceOf(given, isoOfMs(nowMs(clock)))
    this.#save(device, secrets)
    if (device.secretNames.length > 0) memory.secrets.set(device.id, secrets)
    remember(memory, device)
    changed({ table: 'devices', id: device.id, affects: null })
    return device
  }

  update(id: FullId, { patch, validFrom, by = null }: DeviceChange): Device {
    const { memory, clock, requireFresh, changed } = this.#context
    requireFresh()
    const before = memory.devices.get(id)
    if (!before) throw missing('device', id)
    const changedAt = isoOfMs(nowMs(clock))
    const validTo = validFromOf(validFrom, changedAt)
    const merged = mergePatch(documentOf(before, memory.secrets.get(id) ?? {}), patch)
    // The checks look at each field.
    const given = secretsApart(merged as unknown as NewDevice, this.#formats)
    checkChangedDevice(given, before, { memory, formats: this.#formats })
    const secrets = { ...given.secrets }
    const fresh = deviceOf(given, before.createdAt)
    const settings = figuresBefore(before, fresh, this.#formats)
    const past = settings && { validTo, changedAt, by, settings }
    if (past) requireRoomForHistory(before)
    const all = [...(before.past ?? []), ...(past ? [past] : [])]
    const after = all.length > 0 ? { ...fresh, past: all } : fresh
    this.#saveChange(after, secrets, past)
    replace(memory, before, after, secrets)
    changed({ table: 'devices', id, affects: affectedBy(before, after) })
    return after
  }

  delete(id: FullId): void {
    const { db, memory, requireFresh, changed } = this.#context
    requireFresh()
    const device = memory.devices.get(id)
    if (!device) throw missing('device', id)
    transaction(db, () => this.#remove.run(id))
    forget(memory, device)
    changed({ table: 'devices', id, affects: { tenant: device.tenant, device: id } })
  }

  #saveChange(
    { id, name, format, topics, site, settings }: Device,
    secrets: Readonly<Record<string, string>>,
    past: PastSettings | null,
  ): void {
    transaction(this.#context.db, () => {
      this.#change.run(name, format, JSON.stringify(topics), site, JSON.stringify(settings), id)
      this.#removeSecrets.run(id)
      for (const [secret, value] of Object.entries(secrets)) {
        this.#insertSecret.run(id, secret, value)
      }
      if (!past) return
      const { validTo, changedAt, by } = past
      this.#insertPast.run(id, validTo, changedAt, by, JSON.stringify(past.settings))
    })
  }

  #save(device: Device, secrets: Readonly<Record<string, string>>): void {
    const { id, tenant, name, kind, format, topics, gateway, site, settings, createdAt } = device
    transaction(this.#context.db, () => {
      const lists = [JSON.stringify(topics), gateway ? 1 : 0, site, JSON.stringify(settings)]
      this.#insert.run(id, tenant, name, kind, format, ...lists, createdAt)
      for (const [secret, value] of Object.entries(secrets)) {
        this.#insertSecret.run(id, secret, value)
      }
    })
  }
}

/** Connections end where what they were allowed may have become less. */
function affectedBy(before: Device, after: Device): RegistryChange['affects'] {
  const rights = ({ topics, format, settings }: Device) =>
    JSON.stringify([topics, format, settings['gateway']])
  if (rights(before) === rights(after)) return null
  return { tenant: before.tenant, device: before.id }
}

/** What a merge document changes: the device as it could be created, its secrets included. */
function documentOf(device: Device, secrets: Readonly<Record<string, string>>) {
  const { id, tenant, kind, name, format, topics, gateway, site, settings } = device
  return { id: shortIdOf(id), tenant, kind, name, format, topics, gateway, site, settings, secrets }
}

function deviceOf(given: NewDevice, createdAt: string): Device {
  return {
    id: fullId(given.tenant, given.id),
    tenant: given.tenant,
    name: given.name ?? given.id,
    kind: given.kind,
    format: given.format ?? 'native',
    topics: [...new Set(given.topics ?? [])],
    gateway: given.kind === 'gateway',
    site: given.site ?? null,
    // As it will be read from disk, and no longer the caller's own object.
    settings: JSON.parse(JSON.stringify(given.settings ?? {})),
    secretNames: Object.keys(given.secrets ?? {}).toSorted(),
    createdAt,
  }
}
