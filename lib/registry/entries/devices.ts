import type { StatementSync } from 'node:sqlite'
import { transaction } from '#lib/runtime/sqlite.ts'
import { fullId, type FullId } from '#lib/telemetry/ids.ts'
import { forget, remember } from '../memory/memory.ts'
import type { Device, Devices, NewDevice } from '../registry.ts'
import { missing } from './checks.ts'
import { isoOfMs, nowMs, type RegistryContext } from './context.ts'
import { checkNewDevice } from './device-checks.ts'

export class DeviceTable implements Devices {
  readonly #context: RegistryContext
  readonly #formats: readonly string[]
  readonly #insert: StatementSync
  readonly #insertSecret: StatementSync
  readonly #remove: StatementSync

  constructor(context: RegistryContext, formats: readonly string[]) {
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

  create(given: NewDevice): Device {
    const { memory, clock, requireFresh, changed } = this.#context
    requireFresh()
    checkNewDevice(given, { memory, formats: this.#formats })
    const secrets = { ...given.secrets }
    const device = deviceOf(given, isoOfMs(nowMs(clock)))
    this.#save(device, secrets)
    if (device.secretNames.length > 0) memory.secrets.set(device.id, secrets)
    remember(memory, device)
    changed({ table: 'devices', id: device.id, affects: null })
    return device
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

function deviceOf(given: NewDevice, createdAt: string): Device {
  return {
    id: fullId(given.tenant, given.id),
    tenant: given.tenant,
    name: given.name ?? given.id,
    kind: given.kind,
    format: given.format ?? 'native',
    topics: [...new Set(given.topics)],
    gateway: given.kind === 'gateway',
    site: given.site ?? null,
    // As it will be read from disk, and no longer the caller's own object.
    settings: JSON.parse(JSON.stringify(given.settings ?? {})),
    secretNames: Object.keys(given.secrets ?? {}).toSorted(),
    createdAt,
  }
}
