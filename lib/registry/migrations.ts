import { SEAL_TABLE, sealing } from './damage/seal.ts'

/**
 * `registry.db` by number. Times are ISO 8601 UTC; lists and objects are JSON. A released entry is
 * never changed: add the next one.
 */
export const MIGRATIONS: readonly string[] = [
  `CREATE TABLE tenants (
     id TEXT PRIMARY KEY, name TEXT NOT NULL, created_at TEXT NOT NULL
   ) STRICT, WITHOUT ROWID;

   CREATE TABLE sites (
     id TEXT PRIMARY KEY,
     tenant TEXT REFERENCES tenants (id) ON DELETE CASCADE,
     name TEXT NOT NULL, position TEXT, outline TEXT
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX sites_of_tenant ON sites (tenant);

   CREATE TABLE devices (
     id TEXT PRIMARY KEY,
     tenant TEXT NOT NULL REFERENCES tenants (id),
     name TEXT NOT NULL, kind TEXT NOT NULL, format TEXT NOT NULL, topics TEXT NOT NULL,
     gateway INTEGER NOT NULL,
     site TEXT REFERENCES sites (id),
     settings TEXT NOT NULL, created_at TEXT NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX devices_of_tenant ON devices (tenant);
   CREATE INDEX devices_of_site ON devices (site);

   CREATE TABLE device_secrets (
     device TEXT NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
     name TEXT NOT NULL, value TEXT NOT NULL,
     PRIMARY KEY (device, name)
   ) STRICT, WITHOUT ROWID;

   CREATE TABLE credentials (
     id TEXT PRIMARY KEY,
     device TEXT NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
     hash BLOB NOT NULL, valid_from TEXT NOT NULL, valid_to TEXT
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX credentials_of_device ON credentials (device);

   CREATE TABLE keys (
     id TEXT PRIMARY KEY,
     hash BLOB NOT NULL UNIQUE, role TEXT NOT NULL,
     tenant TEXT REFERENCES tenants (id) ON DELETE CASCADE,
     name TEXT NOT NULL, created_at TEXT NOT NULL,
     ensured INTEGER NOT NULL
   ) STRICT, WITHOUT ROWID;
   CREATE INDEX keys_of_tenant ON keys (tenant);`,

  // Settings that figures rest on, as they were before a change. Keys stood among the settings.
  `CREATE TABLE device_history (
     id INTEGER PRIMARY KEY,
     device TEXT NOT NULL REFERENCES devices (id) ON DELETE CASCADE,
     valid_to TEXT NOT NULL, changed_at TEXT NOT NULL, changed_by TEXT, settings TEXT NOT NULL
   ) STRICT;
   CREATE INDEX history_of_device ON device_history (device);

   INSERT OR IGNORE INTO device_secrets (device, name, value)
     SELECT id, 'aesKey', json_extract(settings, '$.aesKey') FROM devices
     WHERE json_type(settings, '$.aesKey') = 'text' AND json_extract(settings, '$.aesKey') <> '';
   UPDATE devices SET settings = json_remove(settings, '$.aesKey')
     WHERE json_type(settings, '$.aesKey') IS NOT NULL;`,

  // A digest per row and a sum over all of them.
  [
    SEAL_TABLE,
    ...[
      { name: 'tenants', key: ['id'], columns: ['id', 'name', 'created_at'] },
      { name: 'sites', key: ['id'], columns: ['id', 'tenant', 'name', 'position', 'outline'] },
      {
        name: 'devices',
        key: ['id'],
        columns: 'id tenant name kind format topics gateway site settings created_at'.split(' '),
      },
      { name: 'device_secrets', key: ['device', 'name'], columns: ['device', 'name', 'value'] },
      {
        name: 'credentials',
        key: ['id'],
        columns: ['id', 'device', 'hash', 'valid_from', 'valid_to'],
      },
      {
        name: 'keys',
        key: ['id'],
        columns: ['id', 'hash', 'role', 'tenant', 'name', 'created_at', 'ensured'],
      },
      {
        name: 'device_history',
        key: ['id'],
        columns: ['id', 'device', 'valid_to', 'changed_at', 'changed_by', 'settings'],
      },
    ].map(sealing),
  ].join('\n'),
]
