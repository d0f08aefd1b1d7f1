import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { startPlatform, temporaryDir, type Platform } from '../support/platform.ts'
import { isInstalled } from '../support/is-installed.ts'
import { waitFor } from '../support/wait-for.ts'

const ROOT = new URL('../..', import.meta.url).pathname
const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
const SECTION = README.split('## Connect your own device')[1]?.split('### ')[0] ?? ''
const hasTools = ['curl', 'mosquitto_pub'].every(isInstalled)
if (!hasTools) process.stderr.write('a README test is skipped: it needs curl and mosquitto_pub\n')

describe("the README's commands", () => {
  const dir = temporaryDir('readme')
  let platform: Platform | null = null

  afterEach(async () => {
    await platform?.kill()
  })

  it.each(['data', 'data-demo'])(
    'connect a device and show its reading with nothing installed, on ./%s',
    async (data) => {
      const folder = `${dir.path}/${data}`
      mkdirSync(folder)
      // As a clone: its commands run in its folder, and look for data there.
      for (const name of ['package.json', 'node-version.mjs', 'node_modules', 'scripts', 'lib']) {
        symlinkSync(`${ROOT}${name}`, `${folder}/${name}`)
      }
      platform = await startPlatform({ dataDir: `${folder}/${data}` })
      const run = shellIn(folder)
      const blocks = blocksOf('bash')
      expect(blocks).toHaveLength(3)
      const [register = '', publish = '', look = ''] = blocks
      const published = run([register, publish].join('\n'))
      expect(published).toContain('no error was reported')
      await waitFor(() => /acme\.t1 +1 +1/.test(run(look)))
      expect(run(look)).toContain('"speedKmh":72.5')
    },
    120_000,
  )

  it.skipIf(!hasTools)('do the same with curl and mosquitto_pub', async () => {
    platform = await startPlatform({
      dataDir: `${dir.path}/curl/data`,
      env: { PADBORG_ADMIN_KEY: '' },
    })
    const { http, mqtt } = platform.ready
    const key = readFileSync(`${dir.path}/curl/data/admin-key`, 'utf8').trim()
    await platform.api('/tenants', { key, body: { id: 'acme', name: 'Acme' } })
    await platform.api('/devices', { key, body: { id: 't1', tenant: 'acme', kind: 'truck' } })
    const { body } = await platform.api('/devices/acme.t1/credentials', { key, body: {} })
    const run = shellIn(`${dir.path}/curl`, { PADBORG_PASSWORD: body.password })
    const [block = ''] = blocksOf('sh')
    const text = block.replaceAll(':8080', `:${http}`).replaceAll('-p 1883', `-p ${mqtt}`)
    run(text)
    await waitFor(() => run(text).includes('"speedKmh":71'))
    expect(await platform.stop()).toBe(0)
  })
})

function blocksOf(language: string): readonly string[] {
  const blocks = SECTION.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))
  return [...blocks].map((match) => match[1] ?? '')
}

function shellIn(cwd: string, more: Readonly<Record<string, string>> = {}) {
  const { PATH = '', HOME = '' } = process.env
  return (text: string): string =>
    execFileSync('bash', ['-euo', 'pipefail', '-c', text], {
      cwd,
      env: { PATH, HOME, ...more },
      stdio: ['ignore', 'pipe', 'ignore'],
    }).toString()
}
