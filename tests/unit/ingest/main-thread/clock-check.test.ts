import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { createLog } from '#lib/runtime/log.ts'
import { DAY_NS, HOUR_NS } from '#lib/telemetry/time-grid.ts'
import { ClockCheck, type ClockCheckOptions } from '../../../../ingest/main-thread/clock-check.ts'
import { temporaryDir } from '../../../support/platform.ts'

const NOON_NS = 1_773_144_000_000_000_000n

describe('the check of the clock', () => {
  const dir = temporaryDir('clock-check')
  const path = join(dir.path, 'clock.json')
  const checks: ClockCheck[] = []
  const doubts: boolean[] = []
  let wallNs = NOON_NS
  let monoNs = 0n

  afterEach(() => {
    for (const check of checks.splice(0)) check.close()
    doubts.splice(0)
    rmSync(path, { force: true })
  })
  afterAll(() => dir.remove())

  function start(over: Partial<ClockCheckOptions> = {}): ClockCheck {
    const clock = { nowNs: () => wallNs, monoNs: () => monoNs }
    const onDoubt = (isDoubtful: boolean) => doubts.push(isDoubtful)
    const check = new ClockCheck(
      { clock, log: createLog('silent'), onDoubt },
      { path, newestReceivedNs: null, clockAheadHours: 24, clockConfirmHours: 12, ...over },
    )
    checks.push(check)
    return check
  }

  function keptTime(timeNs: bigint): void {
    const trusted = Temporal.Instant.fromEpochNanoseconds(timeNs).toString()
    writeFileSync(path, JSON.stringify({ trusted }))
  }

  function run(check: ClockCheck, ns: bigint): void {
    wallNs += ns
    monoNs += ns
    check.check()
  }

  it('trusts the first clock of an empty directory, and one that was off for a night', () => {
    expect(start().isDoubtful).toBe(false)
    checks.splice(0)[0]?.close()
    wallNs += 20n * HOUR_NS
    expect(start().isDoubtful).toBe(false)
  })

  it('doubts a clock ahead of the newest receive time where no time was kept', () => {
    expect(start({ newestReceivedNs: wallNs - 25n * HOUR_NS }).isDoubtful).toBe(true)
  })

  it('falls back to the receive times where its file is damaged', () => {
    writeFileSync(path, '{"trusted":"2026-13')
    expect(start({ newestReceivedNs: wallNs - 2n * DAY_NS }).isDoubtful).toBe(true)
  })

  it('trusts a clock that has run on for hours where it is, and keeps that', () => {
    keptTime(wallNs - 100n * DAY_NS)
    const check = start()
    run(check, 11n * HOUR_NS)
    expect(check.isDoubtful).toBe(true)
    run(check, HOUR_NS)
    expect(doubts).toEqual([true, false])
    check.close()
    expect(start().isDoubtful).toBe(false)
  })

  it('begins again where the clock jumps on while it is doubted', () => {
    keptTime(wallNs - 100n * DAY_NS)
    const check = start()
    run(check, 11n * HOUR_NS)
    wallNs += 30n * DAY_NS
    run(check, 11n * HOUR_NS)
    expect(check.isDoubtful).toBe(true)
    run(check, 12n * HOUR_NS)
    expect(check.isDoubtful).toBe(false)
  })

  it('doubts a jump while it runs, keeps the time before, and trusts it once it is right', () => {
    const check = start()
    wallNs += 2n * DAY_NS
    check.check()
    expect(check.warning).toMatch(/2\.0 days ahead/)
    check.close()
    const kept = JSON.parse(readFileSync(path, 'utf8')).trusted
    expect(Temporal.Instant.from(kept).epochNanoseconds).toBe(wallNs - 2n * DAY_NS)
    wallNs -= 2n * DAY_NS
    check.check()
    expect(doubts).toEqual([true, false])
  })

  it('lets a clock that is behind go on', () => {
    keptTime(wallNs + 10n * DAY_NS)
    expect(start().isDoubtful).toBe(false)
  })
})
