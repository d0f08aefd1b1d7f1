import { readFileSync } from 'node:fs'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { buildPortal } from '../support/build-portal.ts'
import {
  addDevice,
  startPlatform,
  temporaryDir,
  type Platform,
  type TestDevice,
} from '../support/platform.ts'
import { waitFor } from '../support/wait-for.ts'
import { CHROMIUM, openBrowser, openPortal, signIn, textOf } from './browser.ts'

/** More than a page of the API holds, half of them over each technology. */
const READINGS = 10_400
const PER_MESSAGE = 400
const STEP_MS = 100
/** The oldest ones, far beyond what a sheet shows at once. */
const OLD = 10

function ratAt(at: number): string {
  if (at < OLD) return 'nr-nsa'
  return at % 2 === 0 ? 'lte' : 'nr-sa'
}

describe.skipIf(!CHROMIUM)('the sheet of readings', () => {
  const folder = temporaryDir('readings-sheet')
  let platform: Platform
  let browser: Browser
  let probe: TestDevice
  let truck: TestDevice
  let url = ''

  beforeAll(async () => {
    buildPortal()
    platform = await startPlatform({ dataDir: folder.path })
    url = `http://127.0.0.1:${platform.ready.http}`
    probe = await addDevice(platform, { tenant: 'acme', id: 'probe', kind: 'probe' })
    truck = await addDevice(platform, { tenant: 'acme', id: 'truck', kind: 'truck' })
    const firstMs = Date.now() - READINGS * STEP_MS - 60_000
    const all = Array.from({ length: READINGS }, (_, at) => ({
      v: 1,
      kind: 'probe',
      ts: firstMs + at * STEP_MS,
      seq: at + 1,
      data: { rttMs: 20 },
      radio: { rat: ratAt(at) },
    }))
    const messages = Array.from({ length: READINGS / PER_MESSAGE }, (_, at) =>
      all.slice(at * PER_MESSAGE, (at + 1) * PER_MESSAGE),
    )
    await send(probe, messages)
    const wrong = { v: 1, kind: 'truck', ts: '2001-02-03T04:05:06Z', seq: 1 }
    await send(truck, [{ ...wrong, data: { speedKmh: 50 } }])
    await waitFor(
      async () => {
        const { body } = await platform.api(`/delivery?device=${probe.id},${truck.id}`)
        const stored = (body.data as { stored: number }[]).map((row) => row.stored)
        return stored.reduce((sum, one) => sum + one, 0) === messages.length + 1
      },
      { what: 'all readings are stored', timeoutMs: 60_000 },
    )
    browser = await openBrowser()
  })

  afterAll(async () => {
    await browser?.close()
    await platform?.stop()
    folder.remove()
  })

  async function send({ username, password, topic }: TestDevice, payloads: readonly object[]) {
    const client = await platform.mqtt({ username, password })
    for (const one of payloads) await client.publishAsync(topic, JSON.stringify(one), { qos: 1 })
    await client.endAsync()
  }

  async function openSheet(parameters: string) {
    const { page, errors } = await openPortal(browser, url)
    await signIn(page)
    await page.goto(`${url}/#/overview?show=readings&${parameters}`)
    await page.waitForSelector('.sheet tbody tr')
    return { page, errors }
  }

  it.each([
    ['CSV', ','],
    ['CSV with decimal comma', ';'],
  ])(
    'saves every reading of its selection, newest first, in a named file: %s',
    async (label, by) => {
      const { page, errors } = await openSheet(`kind=probe&rat=nr-sa&span=24h&device=${probe.id}`)
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        page.locator('.drill-csv').getByText(label, { exact: true }).click(),
      ])
      expect(download.suggestedFilename()).toMatch(
        /^readings-probe-acme\.probe-nr-sa-\d{8}T\d{4}Z-\d{8}T\d{4}Z\.csv$/,
      )
      const lines = readFileSync(await download.path(), 'utf8')
        .trimEnd()
        .split('\r\n')
      const [head = '', ...rows] = lines.map((line) => line.split(by))
      expect(rows.length).toBe((READINGS - OLD) / 2)
      expect(new Set(rows.map((row) => row[head.indexOf('radio.rat')]))).toEqual(new Set(['nr-sa']))
      const numbers = rows.map((row) => Number(row[head.indexOf('seq')]))
      expect(numbers).toEqual(numbers.toSorted((a, b) => b - a))
      expect(numbers[0]).toBe(READINGS)
      expect(errors).toEqual([])
      await page.context().close()
    },
  )

  it('shows readings over its radio technology, however old in the span', async () => {
    const { page } = await openSheet(`kind=probe&rat=nr-nsa&span=24h&device=${probe.id}`)
    await expect.poll(() => page.locator('.sheet tbody tr').count()).toBe(OLD)
    await page.context().close()
  })

  it('shows the time that a device with an unusable clock claimed', async () => {
    const { page } = await openSheet(`kind=truck&span=1h&device=${truck.id}`)
    expect(await textOf(page, '[data-claimed]')).toContain('03/02/2001')
    await page.context().close()
  })
})
