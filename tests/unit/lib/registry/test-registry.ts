import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { expect, onTestFinished } from 'vitest'
import type { Clock } from '#lib/runtime/clock.ts'
import { PlatformError, type ErrorCode } from '#lib/runtime/errors.ts'
import type { Log } from '#lib/runtime/log.ts'
import { openRegistry } from '#lib/registry/open.ts'
import type { DeviceSecrets, NewDevice, Registry, RegistryChange } from '#lib/registry/registry.ts'
import { FORMAT_LIST } from '../../../../ingest/formats/catalogue.ts'

export const HOUR_MS = 3_600_000
export const OVERLAP_HOURS = 2

/** A clock that stands still until it is turned. */
export interface TurnedClock extends Clock {
  turnMs(ms: number): void
}

export function createTurnedClock(startIso = '2026-11-24T12:00:00.123Z'): TurnedClock {
  let ns = Temporal.Instant.from(startIso).epochNanoseconds
  return {
    nowNs: () => ns,
    monoNs: () => ns,
    turnMs(ms) {
      ns += BigInt(ms) * 1_000_000n
    },
  }
}

/** A log whose lines can be read. */
export function createReadableLog(): { readonly log: Log; readonly lines: string[] } {
  const lines: string[] = []
  const log = pino({ level: 'trace', base: null }, { write: (line: string) => lines.push(line) })
  return { log, lines }
}

/** A folder of its own for this test, gone after it. */
export function temporaryFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'padborg-unit-'))
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }))
  return dir
}

export interface TestRegistry {
  readonly registry: Registry & DeviceSecrets
  readonly clock: TurnedClock
  readonly path: string
  readonly lines: readonly string[]
  /** What `onChange` told so far. */
  readonly changes: RegistryChange[]
  /** Closes it and opens the same file again, as a restart does. */
  readonly restart: () => Registry & DeviceSecrets
}

export function openTestRegistry(overlapHours = OVERLAP_HOURS): TestRegistry {
  const path = join(temporaryFolder(), 'registry.db')
  const clock = createTurnedClock()
  const { log, lines } = createReadableLog()
  const changes: RegistryChange[] = []
  const open = () => {
    const opened = openRegistry({
      path,
      clock,
      log,
      credentialOverlapHours: overlapHours,
      formats: FORMAT_LIST,
    })
    opened.onChange((change) => changes.push(change))
    return opened
  }
  let registry = open()
  onTestFinished(() => registry.close())
  const restart = () => {
    registry.close()
    registry = open()
    return registry
  }
  return { registry, clock, path, lines, changes, restart }
}

/** A registry with the tenants `acme` and `borg`. */
export function openWithTenants(): TestRegistry {
  const opened = openTestRegistry()
  opened.registry.tenants.create({ id: 'acme', name: 'Acme' })
  opened.registry.tenants.create({ id: 'borg', name: 'Borg' })
  opened.changes.length = 0
  return opened
}

export function addDevice(registry: Registry, full: string, more: Partial<NewDevice> = {}) {
  const [tenant = '', id = ''] = full.split('.')
  return registry.devices.create({ id, tenant, kind: 'truck', ...more })
}

/** The error that `act` throws; the test fails when it throws none, or one of another code. */
export function refusal(act: () => unknown, code: ErrorCode): PlatformError {
  try {
    act()
  } catch (error) {
    if (error instanceof PlatformError) {
      expect(error).toMatchObject({ code })
      expect(error.message).not.toContain('\n')
      return error
    }
    throw error
  }
  throw new Error(`expected ${code}, but it was accepted`)
}
