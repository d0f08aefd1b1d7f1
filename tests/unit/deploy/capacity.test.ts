import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import type { Setting } from '#lib/runtime/settings/setting.ts'
import { JOURNAL } from '#lib/runtime/settings/ingest-settings.ts'
import { ROOT } from './compose-file.ts'

const PAGE = readFileSync(join(ROOT, 'docs/large-installation.md'), 'utf8')
const DEPLOYMENT = readFileSync(join(ROOT, 'docs/deployment.md'), 'utf8')
const DAY_S = 86_400
const GB = 1e9

/** A constant of the model, from the table of the page. */
function constant(name: string): number {
  const [, value = ''] = new RegExp(`^\\| \`${name}\` \\| ([\\d.]+) \\|`, 'm').exec(PAGE) ?? []
  if (value === '') throw new Error(`docs/large-installation.md has no constant ${name}`)
  return Number(value)
}

/** The formulas of the page, in its order of columns. */
function rowFor(devices: number): string {
  const rate = devices * constant('rate')
  const perDay = (bytes: string) => (rate * constant(bytes) * DAY_S) / GB
  const intakes = Math.ceil(rate / (constant('processRate') * constant('headroom')))
  const cores = (us: string) => (rate * constant(us)) / 1e6 / constant('headroom')
  const memoryMb = intakes * constant('baseMb') * 3 + (devices * constant('connectionKb')) / 1000
  const cells = [
    rate,
    perDay('payloadBytes'),
    2 * perDay('journalBytes'),
    perDay('duckdbBytes'),
    perDay('influxBytes'),
    intakes,
    intakes * constant('intakeIdleCores') + cores('intakeUs'),
    cores('influxUs'),
    cores('brokerUs'),
    memoryMb / 1000,
  ]
  return `| ${[devices, ...cells].map(shown).join(' | ')} |`
}

/** Two digits that count, thousands set apart. */
function shown(value: number): string {
  if (Number.isInteger(value)) return value.toLocaleString('en').replaceAll(',', ' ')
  const rounded = Number(value.toPrecision(2))
  return rounded.toLocaleString('en', { maximumFractionDigits: 3 }).replaceAll(',', ' ')
}

describe('the capacity model of docs/large-installation.md', () => {
  it.each([100, 1000, 10_000, 100_000])('has the row of %i devices that its formulas give', (n) => {
    expect(PAGE).toContain(rowFor(n))
  })

  it('states how long the journal lasts with its default limits', () => {
    const hoursOf = ({ fallback }: Setting) =>
      Number(fallback) / (1000 * constant('journalBytes')) / 3600
    expect(PAGE).toContain(`8 GiB are ${shown(hoursOf(JOURNAL.keepBytes))} hours`)
    expect(PAGE).toContain(`4 GiB are ${shown(hoursOf(JOURNAL.lagBytes))} hours`)
  })

  it('states of every constant whether it was measured, assumed or chosen', () => {
    const rows = PAGE.split('\n').filter((line) => /^\| `\w+` \| [\d.]+ \|/.test(line))
    expect(rows.length).toBeGreaterThan(10)
    for (const row of rows) expect(row).toMatch(/\| (measured|assumed|chosen)\b/)
  })
})

describe('the file limit of InfluxDB 3 Core in docs/deployment.md', () => {
  it.each([
    ['raw readings, `latency_minute`, `delivery_minute`', 144],
    ['`heat_hourly`', 24],
  ])('is computed for %s', (what, perDay) => {
    const days = 432 / perDay
    expect(DEPLOYMENT).toContain(`| ${what} | ${perDay} | ${days} days | ${perDay * 31} |`)
  })
})
