import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { accessFaults, CHROMIUM, openPortal, signIn } from './browser.ts'
import { startPortal, type RunningPortal } from './running-portal.ts'

const VIEWS = {
  light: { colorScheme: 'light', viewport: { width: 1400, height: 900 } },
  dark: { colorScheme: 'dark', viewport: { width: 1400, height: 900 } },
  phone: { colorScheme: 'light', viewport: { width: 360, height: 740 }, reducedMotion: 'reduce' },
  'dark phone': { colorScheme: 'dark', viewport: { width: 360, height: 740 } },
} as const

describe.skipIf(!CHROMIUM)('the looks of the portal', () => {
  let portal: RunningPortal

  beforeAll(async () => {
    portal = await startPortal('looks')
  })

  afterAll(() => portal?.close())

  it.each(Object.entries(VIEWS))(
    'has no accessibility fault that axe finds, %s',
    async (_name, view) => {
      const { page, errors } = await openPortal(portal.browser, portal.url, view)
      expect(await accessFaults(page), 'the sign-in form').toEqual([])
      await signIn(page)
      await page.waitForSelector('.pill[data-state="live"]')
      await page.waitForSelector('.rejections li')
      await page.waitForSelector('[data-clock]', { timeout: 60_000 })
      expect(await accessFaults(page), 'the page').toEqual([])
      const overflow = await page.evaluate<number>(
        'document.documentElement.scrollWidth - document.documentElement.clientWidth',
      )
      expect(overflow, 'no horizontal overflow').toBe(0)
      await page.locator('[data-kind="truck"] a').click()
      await page.waitForSelector('.sheet tbody tr')
      expect(await accessFaults(page), 'readings').toEqual([])
      await page.keyboard.press('Escape')
      await page.locator('.rejections a').first().click()
      await page.waitForSelector('.payload')
      expect(await accessFaults(page), 'a rejection').toEqual([])
      expect(errors).toEqual([])
      await page.context().close()
    },
  )

  it('can be used by keyboard alone, with a visible focus', async () => {
    const { page } = await openPortal(portal.browser, portal.url)
    await signIn(page)
    const link = page.locator('[data-kind="truck"] a')
    await link.waitFor()
    await link.focus()
    await page.keyboard.press('Enter')
    await page.waitForSelector('.sheet tbody tr')
    await page.keyboard.press('Escape')
    await page.waitForSelector('dialog', { state: 'detached' })
    const focused = await page.evaluate<string>('document.activeElement.textContent')
    expect(focused, 'the focus returns').toBe('Trucks')
    await page.keyboard.press('Tab')
    const outline = await page.evaluate<string>(
      'getComputedStyle(document.activeElement).outlineStyle',
    )
    expect(outline).toBe('solid')
    await page.context().close()
  })

  it('does not grow while sheets are opened and closed again and again', async () => {
    const { page } = await openPortal(portal.browser, portal.url)
    await signIn(page)
    await page.waitForSelector('[data-clock]', { timeout: 60_000 })
    const nodes = () => page.evaluate<number>('document.querySelectorAll("*").length')
    const openAndClose = async (times: number) => {
      for (let turn = 0; turn < times; turn += 1) {
        await page.locator('[data-kind="truck"] a').click()
        await page.waitForSelector('.sheet tbody tr')
        await page.keyboard.press('Escape')
        await page.waitForSelector('dialog', { state: 'detached' })
      }
    }
    // By then the panels that load last are there as well.
    await openAndClose(10)
    const before = await nodes()
    await openAndClose(30)
    expect(await nodes()).toBeLessThan(before + 100)
    await page.context().close()
  })
})
