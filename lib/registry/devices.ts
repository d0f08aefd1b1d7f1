import { transaction } from '#lib/runtime/sqlite.ts'
import { fullId, type FullId } from '#lib/telemetry/ids.ts'
import { missing } from './checks.ts'
import { isoOfMs, nowMs, type RegistryContext } from './context.ts'
import { checkNewDevice } from './device-checks.ts'
import { forget, remember } from './index/memory.ts'
import type { Device, Devices } from './registry.ts'

export function createDevices(context: RegistryContext, formats: readonly string[]): Devices {
  const { db, memory, clock, requireOpen, requireFresh, changed } = context
  const insert = db.prepare(
    `INSERT INTO devices
       (id, tenant, name, kind, format, topics, gateway, site, settings, created_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const insertSecret = db.prepare(
    'INSERT INTO device_secrets (device, name, value) VALUES (?, ?, ?)',
  )
  const remove = db.prepare('DELETE FROM devices WHERE id = ?')

  return {
    list() {
      requireOpen()
      return memory.devices.list()
    },
    get(id) {
      requireOpen()
      return memory.devices.get(id)
    },
    create(given) {
      requireFresh()
      checkNewDevice(given, { memory, formats })
      const id = fullId(given.tenant, given.id)
      const secrets = { ...given.secrets }
      const device: Device = {
        id,
        tenant: given.tenant,
        name: given.name ?? given.id,
        kind: given.kind,
        format: given.format ?? 'native',
        topics: [...new Set(given.topics)],
        gateway: given.kind === 'gateway',
        site: given.site ?? null,
        // As it will be read from disk, and no longer the caller's own object.
        settings: JSON.parse(JSON.stringify(given.settings ?? {})),
        secretNames: Object.keys(secrets).toSorted(),
        createdAt: isoOfMs(nowMs(clock)),
      }
      save(device, secrets)
      if (device.secretNames.length > 0) memory.secrets.set(id, secrets)
      remember(memory, device)
      changed({ table: 'devices', id, affects: null })
      return device
    },
    delete(id: FullId) {
      requireFresh()
      const device = memory.devices.get(id)
      if (!device) throw missing('device', id)
      transaction(db, () => remove.run(id))
      forget(memory, device)
      changed({ table: 'devices', id, affects: { tenant: device.tenant, device: id } })
    },
  }

  function save(device: Device, secrets: Readonly<Record<string, string>>): void {
    const { id, tenant, name, kind, format, topics, gateway, site, settings, createdAt } = device
    transaction(db, () => {
      const lists = [JSON.stringify(topics), gateway ? 1 : 0, site, JSON.stringify(settings)]
      insert.run(id, tenant, name, kind, format, ...lists, createdAt)
      for (const [secret, value] of Object.entries(secrets)) insertSecret.run(id, secret, value)
    })
  }
}
