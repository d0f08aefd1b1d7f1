import { execFileSync, execSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, it } from 'vitest'
import { waitFor } from '../support/wait-for.ts'
import { startPlatform, temporaryDir, type Platform } from '../support/platform.ts'

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
const hasTools = ['curl', 'mosquitto_pub'].every(isInstalled)
if (!hasTools) process.stderr.write('the README test is skipped: it needs curl and mosquitto_pub\n')

describe.skipIf(!hasTools)("the README's four commands", () => {
  const dir = temporaryDir('readme')
  let platform: Platform | null = null

  afterEach(async () => {
    await platform?.kill()
    dir.remove()
  })

  it('connect a device and show its reading, as they stand', async () => {
    // Only the ports differ: tests share the machine and take free ones.
    platform = await startPlatform({
      dataDir: `${dir.path}/data`,
      env: { PADBORG_ADMIN_KEY: '' },
    })
    const { http, mqtt } = platform.ready
    const section = README.split('## Connect your own device')[1]?.split('### ')[0] ?? ''
    const blocks = [...section.matchAll(/```bash\n([\s\S]*?)```/g)].map((match) => match[1] ?? '')
    expect(blocks).toHaveLength(4)
    const run = (text: string) =>
      execFileSync('bash', ['-euo', 'pipefail', '-c', withPorts(text, http, mqtt)], {
        cwd: dir.path,
      }).toString()
    const [tenant = '', device = '', publish = '', look = ''] = blocks
    const environment = tenant.split('\n')[0] ?? ''
    run([tenant, device, publish].join('\n'))
    await waitFor(() => run([environment, look].join('\n')).includes('"stored":1'))
    const out = run([environment, look].join('\n'))
    expect(out).toContain('"speedKmh":72.5')
    expect(out).toContain('"accepted":1')
    expect(out).toContain('"stored":1')
    expect(await platform.stop()).toBe(0)
  })
})

function withPorts(text: string, http: number, mqtt: number): string {
  return text.replaceAll(':8080', `:${http}`).replaceAll('-p 1883', `-p ${mqtt}`)
}

function isInstalled(name: string): boolean {
  try {
    execSync(`command -v ${name}`, { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}
