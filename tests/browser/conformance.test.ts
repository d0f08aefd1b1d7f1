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
import { accessFaults, CHROMIUM, openBrowser, openPortal, signIn, textOf } from './browser.ts'

const VIEWS = {
  light: { colorScheme: 'light', viewport: { width: 1400, height: 900 } },
  dark: { colorScheme: 'dark', viewport: { width: 1400, height: 900 } },
  phone: { colorScheme: 'light', viewport: { width: 360, height: 740 } },
  'dark phone': { colorScheme: 'dark', viewport: { width: 360, height: 740 } },
} as const

describe.skipIf(!CHROMIUM)('the page of a device', () => {
  const folder = temporaryDir('device-page')
  let platform: Platform
  let browser: Browser
  let tracker: TestDevice
  let good: TestDevice
  let url = ''

  beforeAll(async () => {
    buildPortal()
    platform = await startPlatform({ dataDir: folder.path })
    url = `http://127.0.0.1:${platform.ready.http}`
    tracker = await addDevice(platform, { tenant: 'acme', id: 'tracker', kind: 'truck' })
    good = await addDevice(platform, { tenant: 'acme', id: 'good', kind: 'truck' })
    const ts = Date.now()
    await send(tracker, { state: { reported: { ts, latlng: '54.79,9.44', sp: 7 } } })
    await send(tracker, { v: 1, kind: 'truck', ts, seq: 1, data: { cargoTemp1C: 255.15 } })
    await send(good, { v: 1, kind: 'truck', ts, seq: 1, data: { speedKmh: 50 } })
    browser = await openBrowser()
  })

  afterAll(async () => {
    await browser?.close()
    await platform?.stop()
    folder.remove()
  })

  async function send({ username, password, topic }: TestDevice, payload: object) {
    const client = await platform.mqtt({ username, password })
    await client.publishAsync(topic, JSON.stringify(payload), { qos: 1 })
    await client.endAsync()
  }

  it('is one click away from the list of devices, and lists the findings', async () => {
    const { page, errors, foreign } = await openPortal(browser, url)
    await signIn(page)
    await page.locator(`[data-delivery="${tracker.id}"] a.check`).click()
    await page.waitForSelector('[data-finding="format_other"]')
    expect(await textOf(page, '[data-finding="format_other"] .advice')).toContain('teltonika')
    expect(await textOf(page, '[data-finding="temperature_unit"] code')).toBe('data.cargoTemp1C')
    expect(await textOf(page, '[data-fact="messages"]')).toBe(
      '2 = 1 stored + 1 rejected + 0 duplicate',
    )
    expect(await page.locator('.findings li').first().getAttribute('class')).toBe('error')
    expect(errors).toEqual([])
    expect(foreign).toEqual([])
    await page.context().close()
  })

  it('is updated while the device sends', async () => {
    const { page } = await openPortal(browser, url)
    await signIn(page)
    await page.goto(`${url}/#/device?id=${good.id}`)
    await page.waitForSelector('[data-fact="messages"]')
    expect(await page.locator('.findings .error').count()).toBe(0)
    await send(good, { v: 1, kind: 'truck', seq: 2, data: { speedKmh: 'fast' } })
    await page.waitForSelector('[data-finding="schema"]', { timeout: 30_000 })
    expect(await textOf(page, '[data-finding="schema"] .example')).toContain('"fast"')
    await page.selectOption('.device-page select', tracker.id)
    await page.waitForSelector('[data-finding="format_other"]')
    await page.context().close()
  })

  it('is available in three languages', async () => {
    const { page } = await openPortal(browser, url)
    await signIn(page)
    await page.goto(`${url}/#/device?id=${tracker.id}`)
    for (const [code, word] of [
      ['da', 'Ligner et andet format'],
      ['de', 'Sieht nach einem anderen Format aus'],
      ['en', 'Looks like another format'],
    ] as const) {
      await page.locator('header.top select').first().selectOption(code)
      await waitFor(
        async () => (await textOf(page, '[data-finding="format_other"] .what')) === word,
        { what: `the page is in ${code}` },
      )
    }
    await page.context().close()
  })

  it.each(Object.entries(VIEWS))(
    'has no accessibility fault that axe finds, %s',
    async (name, view) => {
      const { page, errors } = await openPortal(browser, url, view)
      await signIn(page)
      await page.goto(`${url}/#/device?id=${tracker.id}`)
      await page.waitForSelector('[data-finding="format_other"]')
      expect(await accessFaults(page)).toEqual([])
      const overflow = await page.evaluate<number>(
        'document.documentElement.scrollWidth - document.documentElement.clientWidth',
      )
      expect(overflow, 'no horizontal overflow').toBe(0)
      expect(errors).toEqual([])
      const shots = process.env['SHOTS']
      if (shots) await page.screenshot({ path: `${shots}/${name}.png`, fullPage: true })
      await page.context().close()
    },
  )
})
