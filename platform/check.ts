import { existsSync } from 'node:fs'
import type { Config } from '#lib/runtime/settings/sections.ts'
import { messageOf } from '#lib/runtime/errors.ts'
import { createLog } from '#lib/runtime/log.ts'
import { openRegistryReader } from '#lib/registry/open-reader.ts'
import {
  ambiguityLine,
  ambiguousPatterns,
} from '../ingest/sources/mqtt/messages/ambiguous-patterns.ts'
import { readRfmsServers } from '../ingest/sources/rfms/servers-file.ts'
import { registryPath } from './options.ts'

/** What `--check` finds beyond the settings themselves, one line each. Changes nothing. */
export function registryProblems(config: Config): readonly string[] {
  return [...ambiguities(config), ...rfmsProblems(config)]
}

function rfmsProblems({ rfms: { file } }: Config): readonly string[] {
  if (file === undefined) return []
  try {
    readRfmsServers(file)
    return []
  } catch (error) {
    return [messageOf(error)]
  }
}

function ambiguities(config: Config): readonly string[] {
  const path = registryPath(config)
  // With the built-in broker the account names the device, and a new registry has none.
  if (config.foreignBroker.url === undefined || !existsSync(path)) return []
  try {
    const registry = openRegistryReader({ path, log: createLog('error') })
    try {
      return ambiguousPatterns(registry).map(ambiguityLine)
    } finally {
      registry.close()
    }
  } catch (error) {
    return [messageOf(error)]
  }
}
