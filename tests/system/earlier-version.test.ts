import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { MqttClient } from 'mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { CORRECTIONS, eventForEngineer, eventWithoutNewFields } from '../fixtures/corrections.ts'
import { temporaryDir, type Platform } from '../support/platform.ts'
import {
  APPLICATION,
  BACKUP,
  DATA,
  KILLED,
  changesOf,
  liveEvents,
  readRecording,
  unpackDirectory,
  type Recording,
  type Result,
} from '../support/recording.ts'
import { createVirtualClock, type VirtualClock } from '../support/virtual-clock.ts'
import { allStored, startVirtualPlatform } from '../support/virtual-platform.ts'
import { waitFor } from '../support/wait-for.ts'

/*
 * Data directories and backups that an earlier version left behind open with this one, with the results
 * that version gave, or the right ones where it was wrong (tests/fixtures/corrections.ts);
 * tests/fixtures/README.md says what they hold. Nothing is compared that belongs to
 * a process and not to its data: /health, /metrics and the documents of the API. Of sentences for
 * people only their presence is.
 */
const FIXTURES = join(import.meta.dirname, '../fixtures')
const VERSIONS = readdirSync(FIXTURES).filter((name) => existsSync(join(FIXTURES, name, DATA)))

it('knows what version 3c44213 left behind', () => {
  expect(VERSIONS).toContain('3c44213')
})

describe.each(VERSIONS)('what version %s left behind', (version) => {
  const folder = join(FIXTURES, version)
  const recording = readRecording(folder)
  const dir = temporaryDir('earlier')
  let clock: VirtualClock

  beforeAll(() => {
    clock = createVirtualClock(dir.path, recording.nowMs)
  })

  afterAll(() => dir.remove())

  it.each(CORRECTIONS)('has results that were wrong: $behaviour', ({ concerns }) => {
    expect([...recording.results, ...recording.killed].some(concerns)).toBe(true)
  })

  describe('as a data directory', () => {
    let platform: Platform

    beforeAll(async () => {
      const dataDir = join(dir.path, 'data')
      unpackDirectory(join(folder, DATA), dataDir)
      platform = await open(dataDir)
    })

    afterAll(async () => {
      await platform.kill()
    })

    it('gives each role the same results', async () => {
      await expectResults(platform, recording, recording.results)
    })

    it('resumes live streams after the ids that it gave', async () => {
      for (const { as, lastId, endId, events } of recording.live) {
        const stream = await liveEvents(platform, recording.keys[as], { lastId, endId })
        const shown = (all: readonly string[]) =>
          as === 'engineer' ? all.map(eventForEngineer) : all
        expect(shown(stream.events.map(eventWithoutNewFields)), as).toEqual(shown(events))
      }
    })

    it('keeps retained messages, sessions and passwords, and stores new messages', async () => {
      await goesOn(platform)
    })
  })

  it('gives the same results from a backup, and stores new messages', async () => {
    const dataDir = join(dir.path, 'restored')
    const args = ['scripts/restore.ts', join(folder, BACKUP), '--data-dir', dataDir]
    execFileSync(process.execPath, args, { cwd: join(FIXTURES, '../..') })
    const platform = await open(dataDir)
    try {
      await expectResults(platform, recording, recording.results)
      await goesOn(platform)
    } finally {
      await platform.kill()
    }
  })

  it('gives the same results after a kill that left acknowledged messages to be stored', async () => {
    const dataDir = join(dir.path, 'killed')
    unpackDirectory(join(folder, KILLED), dataDir)
    const platform = await open(dataDir)
    try {
      await expectResults(platform, recording, recording.killed)
    } finally {
      await platform.kill()
    }
  })

  async function open(dataDir: string): Promise<Platform> {
    clock.set(recording.nowMs)
    const platform = await startVirtualPlatform({ dataDir, clock })
    await allStored(platform)
    return platform
  }

  /** A device signs in with its password; an application gets in its old session what it publishes. */
  async function goesOn(platform: Platform): Promise<void> {
    const { application, 'north.truck-1': truck } = recording.accounts
    const kept = await platform.mqtt({ ...application, clientId: APPLICATION, clean: false })
    const live = firstMessage(kept)
    const device = await platform.mqtt({ ...truck })
    await device.publishAsync('padborg/v1/north/truck-1/status', 'here again', { qos: 1 })
    expect(await live()).toEqual(['padborg/v1/north/truck-1/status', 'here again', false])

    const other = await platform.mqtt({ ...application, clientId: 'another' })
    const retained = firstMessage(other)
    await other.subscribeAsync('padborg/v1/north/truck-2/status')
    const status = '{"state":"online","since":"2025-11-24"}'
    expect(await retained()).toEqual(['padborg/v1/north/truck-2/status', status, true])

    const ts = recording.nowMs + 1000
    clock.set(ts)
    const message = { v: 1, kind: 'truck', ts, seq: 5000, data: { speedKmh: 61.5 } }
    await device.publishAsync('padborg/v1/north/truck-1/telemetry', JSON.stringify(message), {
      qos: 1,
    })
    await allStored(platform)
    clock.set(ts + 1000)
    const { body } = await platform.api('/readings?kind=truck&device=north.truck-1')
    expect(body.data.at(-1)).toMatchObject({ seq: 5000, fields: { speedKmh: 61.5 } })
    for (const client of [kept, device, other]) await client.endAsync()
  }
})

async function expectResults(
  platform: Platform,
  recording: Recording,
  results: readonly Result[],
): Promise<void> {
  expect(results.length).toBeGreaterThan(50)
  const changes = await changesOf(platform, recording, results)
  const [first] = changes
  const changed = changes.map(({ recorded }) => `${recorded.as} ${recorded.path}`)
  expect(first?.current, `${changes.length} results changed`).toEqual(first?.recorded)
  expect(changed).toEqual([])
}

type Received = readonly [topic: string, payload: string, isRetained: boolean]

/** The first message that comes from now on. */
function firstMessage(client: MqttClient): () => Promise<Received> {
  let first: Received | null = null
  client.once('message', (topic, payload, { retain }) => {
    first = [topic, payload.toString(), retain]
  })
  return () => waitFor(() => first, { what: 'a message for the application' })
}
