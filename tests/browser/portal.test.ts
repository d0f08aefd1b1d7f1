import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { waitFor } from '../support/wait-for.ts'
import { CHROMIUM, accessFaults, openPortal, signIn, textOf } from './browser.ts'
import { startPortal, type RunningPortal } from './running-portal.ts'

describe.skipIf(!CHROMIUM)('the portal in a browser', () => {
  let portal: RunningPortal

  beforeAll(async () => {
    portal = await startPortal('portal')
  })

  afterAll(() => portal?.close())

  it('shows numbers that change, without an error or a request to another server', async () => {
    const { page, errors, foreign } = await openPortal(portal.browser, portal.url)
    await signIn(page)
    const changed = async (selector: string) => {
      const seen = new Set<string>()
      await waitFor(
        async () => {
          const text = await textOf(page, selector)
          if (text !== null && /[1-9]/.test(text)) seen.add(text)
          return seen.size >= 3
        },
        { what: `${selector} changes twice`, timeoutMs: 60_000 },
      )
    }
    await changed('[data-figure="accepted"]')
    await changed('[data-figure="stored"]')
    await changed('[data-figure="rate"]')
    await changed('.latency [data-stage="rtt"] [data-rat="nr-sa"] td:nth-child(2)')
    await waitFor(async () => (await page.locator('.device.truck').count()) > 0, {
      what: 'trucks on the map',
    })
    expect(await textOf(page, '.pill')).toBe('Live')
    expect(errors).toEqual([])
    expect(foreign).toEqual([])
    await page.context().close()
  })

  it('shows accepted as the sum of its parts', async () => {
    const { page } = await openPortal(portal.browser, portal.url)
    await signIn(page)
    await page.waitForSelector('[data-figure="accepted"]')
    const equation = await page.evaluate<Record<string, number>>(`Object.fromEntries(
      [...document.querySelectorAll('.equation [data-figure]')].map((element) =>
        [element.dataset.figure, Number(element.textContent.replaceAll(',', ''))]))`)
    const { accepted, stored = 0, rejected = 0, duplicate = 0, pending = 0 } = equation
    expect(accepted).toBeGreaterThan(0)
    expect(stored + rejected + duplicate + pending).toBe(accepted)
    await page.context().close()
  })

  it('names the clock that is ahead, the meter that was reset and the rejected message', async () => {
    const { page } = await openPortal(portal.browser, portal.url)
    await signIn(page)
    const clock = page.locator('[data-clock="acme.truck-ahead"]')
    await clock.waitFor({ timeout: 60_000 })
    expect(await clock.textContent()).toMatch(/clock 46\.\d s ahead/)
    const meter = page.locator('[data-meter="acme.meter-1"][data-event="reset"]')
    await meter.waitFor({ timeout: 30_000 })
    const { id } = portal.testbed.faulty
    const rejection = page.locator('.rejections li', { hasText: id }).first()
    await rejection.waitFor({ timeout: 30_000 })
    expect(await rejection.textContent()).toContain('data.speedKmh')
    await rejection.locator('a').click()
    await page.waitForSelector('.payload')
    expect(await textOf(page, '.payload')).toContain('"speedKmh":"fast"')
    expect(await textOf(page, '.details')).toContain('number')
    await page.keyboard.press('Escape')
    await page.waitForSelector('dialog', { state: 'detached' })
    await page.context().close()
  })

  it('leads from a figure to the raw readings behind it', async () => {
    const { page } = await openPortal(portal.browser, portal.url)
    await signIn(page)
    await page.locator('[data-kind="truck"] a').click()
    await page.waitForSelector('.sheet tbody tr')
    const [device] = await page.locator('.sheet tbody tr td:nth-child(3)').allTextContents()
    expect(portal.testbed.trucks.map(({ id }) => id)).toContain(device)
    await page.context().close()
  })

  it('shows a tenant only its own devices', async () => {
    const made = await portal.platform.api('/keys', {
      body: { role: 'tenant-viewer', tenant: 'beta', name: 'screen of beta' },
    })
    const { page, errors } = await openPortal(portal.browser, portal.url)
    await signIn(page, made.body.key)
    await page.waitForSelector('[data-kind="truck"]')
    await page.getByRole('button', { name: /^Show all/ }).click()
    await page.waitForSelector('[data-delivery="beta.truck-2"]')
    const text = await page.locator('body').innerText()
    expect(text).toContain('beta.truck-2')
    expect(text).not.toContain('acme')
    expect(errors).toEqual([])
    await page.context().close()
  })

  it('says what a role may not see, and does not request it', async () => {
    for (const role of ['secretariat', 'engineer']) {
      const made = await portal.platform.api('/keys', { body: { role, name: `screen of ${role}` } })
      const { page, errors } = await openPortal(portal.browser, portal.url)
      await signIn(page, made.body.key)
      await page.waitForSelector('[data-figure="accepted"]')
      expect(await page.locator('.none').allTextContents()).toContain(
        'Your role does not see this.',
      )
      expect(errors, role).toEqual([])
      await page.context().close()
    }
  })

  it('reports a wrong key, changes its language, and signs out', async () => {
    const { page } = await openPortal(portal.browser, portal.url)
    await page.fill('#key', 'pbk_wrong')
    await page.press('#key', 'Enter')
    await page.getByText('This key is not known here.').waitFor()
    await signIn(page)
    for (const [code, title] of [
      ['da', 'Seneste afvisninger'],
      ['de', 'Letzte Ablehnungen'],
      ['en', 'Last rejections'],
    ] as const) {
      await page.getByRole('combobox').first().selectOption(code)
      await page.getByRole('heading', { name: title }).waitFor()
      expect(await page.locator('html').getAttribute('lang')).toBe(code)
    }
    await page.reload()
    await page.waitForSelector('.overview')
    await page.getByRole('button', { name: 'Sign out' }).click()
    await page.waitForSelector('#key')
    expect((await page.context().cookies()).length).toBe(0)
    await page.context().close()
  })

  it('dims what is old and says its age when the platform is killed, and is live after its restart', async () => {
    const { page } = await openPortal(portal.browser, portal.url)
    await signIn(page)
    const state = (name: string) =>
      page.waitForSelector(`.pill[data-state="${name}"]`, { timeout: 60_000 })
    await state('live')
    await page.waitForSelector('[data-figure="accepted"]')
    const before = await textOf(page, '[data-figure="accepted"]')
    await portal.kill()
    await state('disconnected')
    expect(await textOf(page, '.connection .age')).toMatch(/^no contact for ([5-9]|\d\d) s$/)
    expect(await textOf(page, '[data-figure="accepted"]'), 'the last figures stay').not.toBeNull()
    const filter = await page.evaluate<string>(
      `getComputedStyle(document.querySelector('.overview').parentElement).filter`,
    )
    expect(filter, 'and are dimmed').toMatch(/^saturate/)
    expect(await accessFaults(page), 'and readable').toEqual([])
    await page.locator('.panel-delivery .stale-note').waitFor()
    await page.locator('.figure-rejected .stale-note').waitFor()
    await portal.restart()
    await state('live')
    await waitFor(async () => (await textOf(page, '[data-figure="accepted"]')) !== before, {
      what: 'figures change again',
      timeoutMs: 30_000,
    })
    await page.context().close()
  })
})
