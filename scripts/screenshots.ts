import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { Browser } from 'playwright-core'
import { findChromium, launchChromium } from './chromium.ts'

const USAGE = `node scripts/screenshots.ts [--data-dir ./data-demo] [--url --key] [--out screenshots]
Screenshots of the portal of a running platform: light, dark, laptop, phone, and a drill-down.`

interface Shot {
  readonly name: string
  readonly width: number
  readonly height: number
  readonly scheme: 'light' | 'dark'
  readonly language: string
  /** Page and parameters. */
  readonly hash?: string
}

const SHOTS: readonly Shot[] = [
  { name: 'light', width: 1600, height: 1000, scheme: 'light', language: 'en' },
  { name: 'dark', width: 1600, height: 1000, scheme: 'dark', language: 'da' },
  { name: 'laptop', width: 1180, height: 800, scheme: 'light', language: 'de' },
  { name: 'phone', width: 390, height: 844, scheme: 'light', language: 'da' },
  { name: 'phone-dark', width: 360, height: 740, scheme: 'dark', language: 'de' },
  {
    name: 'readings',
    width: 1280,
    height: 800,
    scheme: 'light',
    language: 'en',
    hash: '#/overview?show=readings&kind=truck&span=1h',
  },
]

/** Long enough for every query to return once, and for the message rate to be known. */
const LOAD_MS = 8000

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      'data-dir': { type: 'string', default: './data-demo' },
      url: { type: 'string' },
      key: { type: 'string' },
      out: { type: 'string', default: 'screenshots' },
      help: { type: 'boolean', default: false },
    },
  })
  const print = (text: string) => void process.stderr.write(`${text}\n`)
  if (values.help) {
    print(USAGE)
    return 0
  }
  const executable = findChromium()
  if (!executable) {
    print('Expected chromium on the PATH, found none; install it (Debian: apt install chromium).')
    return 1
  }
  const dataDir = values['data-dir']
  const url = values.url ?? runningUrl(dataDir)
  const key = values.key ?? readFileSync(join(dataDir, 'admin-key'), 'utf8').trim()
  mkdirSync(values.out, { recursive: true })
  const browser = await launchChromium(executable)
  try {
    for (const shot of SHOTS) {
      const path = join(values.out, `${shot.name}.png`)
      await take(browser, { ...shot, url, key, path })
      print(path)
    }
  } finally {
    await browser.close()
  }
  return 0
}

function runningUrl(dataDir: string): string {
  const run: { addresses: { http: number } } = JSON.parse(
    readFileSync(join(dataDir, 'run.json'), 'utf8'),
  )
  return `http://127.0.0.1:${run.addresses.http}`
}

interface Task extends Shot {
  readonly url: string
  readonly key: string
  readonly path: string
}

async function take(browser: Browser, task: Task): Promise<void> {
  const { url, key, path, width, height, scheme, language, hash = '' } = task
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: scheme,
    locale: language,
  })
  const page = await context.newPage()
  page.on('console', (message) => {
    if (message.type() === 'error') process.stderr.write(`console: ${message.text()}\n`)
  })
  await page.goto(`${url}/${hash}`)
  await page.fill('#key', key)
  await page.press('#key', 'Enter')
  await page.waitForSelector('.pill[data-state="live"]', { timeout: 30_000 })
  await page.waitForTimeout(LOAD_MS)
  await page.screenshot({ path, fullPage: hash === '' })
  await context.close()
}

if (import.meta.main) process.exit(await main())
