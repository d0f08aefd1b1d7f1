import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser, BrowserContextOptions, Page } from 'playwright-core'
import { findChromium, launchChromium } from '../../scripts/chromium.ts'
import { ADMIN_KEY } from '../support/platform.ts'

export const CHROMIUM = findChromium()
if (!CHROMIUM) {
  process.stderr.write('tests/browser is skipped: expected chromium on the PATH, found none.\n')
}

/** The browser of this machine; tests that need it are skipped where there is none. */
export async function openBrowser(): Promise<Browser> {
  if (!CHROMIUM) throw new Error('no chromium: the test should have been skipped')
  return await launchChromium(CHROMIUM)
}

/** A page that records what must never happen on it. */
export interface Watched {
  readonly page: Page
  /** Console errors and uncaught exceptions. */
  readonly errors: string[]
  /** Requests to any other server than the platform. */
  readonly foreign: string[]
}

export async function openPortal(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Watched> {
  const context = await browser.newContext({ locale: 'en-GB', ...options })
  const page = await context.newPage()
  const errors: string[] = []
  const foreign: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') errors.push(message.text())
  })
  page.on('pageerror', (error) => errors.push(String(error)))
  page.on('request', (request) => {
    if (!request.url().startsWith(`${url}/`)) foreign.push(request.url())
  })
  await page.goto(`${url}/`)
  return { page, errors, foreign }
}

export async function signIn(page: Page, key = ADMIN_KEY): Promise<void> {
  await page.fill('#key', key)
  await page.press('#key', 'Enter')
  await page.waitForSelector('.overview')
}

/** Text of an element of the page; null while it is not there. */
export async function textOf(page: Page, selector: string): Promise<string | null> {
  const [text = null] = await page.locator(selector).allTextContents()
  return text
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Rules of WCAG 2.2 AA and of good practice that the page breaks, and the elements. */
export async function accessFaults(page: Page): Promise<string[]> {
  await page.evaluate(AXE)
  return await page.evaluate(`axe.run().then(({ violations }) =>
    violations.map(({ id, nodes }) => id + ': ' + nodes.map((node) => node.target + ' ' +
      node.failureSummary).join('; ')))`)
}
