import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { temporaryDir } from '../../../support/platform.ts'
import { waitFor } from '../../../support/wait-for.ts'
import { HAS_MOSQUITTO, freePort, Mosquitto } from './mosquitto.ts'
import { TestSource } from './test-source.ts'

const HAS_OPENSSL = spawnSync('openssl', ['version']).status === 0

describe.skipIf(!HAS_MOSQUITTO || !HAS_OPENSSL)('a foreign broker over TLS', () => {
  const dir = temporaryDir('source-tls')
  const path = (name: string) => join(dir.path, name)
  let mosquitto: Mosquitto
  let test: TestSource | null = null
  let url: string

  beforeEach(async () => {
    const openssl = (...args: string[]) =>
      execFileSync('openssl', args, { cwd: dir.path, stdio: 'ignore' })
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
    const named = ['-subj', '/CN=broker.example', '-addext', 'subjectAltName=DNS:broker.example']
    openssl('req', '-x509', ...key, ...named, '-keyout', 'key.pem', '-out', 'ca.pem')
    const port = await freePort()
    mosquitto = await Mosquitto.start([
      `listener ${port} 127.0.0.1`,
      `certfile ${path('ca.pem')}`,
      `keyfile ${path('key.pem')}`,
    ])
    url = mosquitto.url.replace('mqtt:', 'mqtts:').replace(String(mosquitto.port), String(port))
  })

  afterEach(async () => {
    await test?.close()
    await mosquitto.remove()
    dir.remove()
  })

  it('is trusted by its CA file and the name in its certificate', async () => {
    test = new TestSource({ url, caFile: path('ca.pem'), servername: 'broker.example' })
    test.device('acme.t1')
    await test.subscribed()
    const client = await mosquitto.client()
    await client.publishAsync('padborg/v1/acme/t1/telemetry', 'sealed', { qos: 1 })
    const { intake } = test
    await waitFor(() => intake.accepted.length === 1)
    await test.close()
    test = new TestSource({ url, caFile: path('ca.pem') })
    await test.source.start()
    await distrusted(test)
    await test.close()
    test = new TestSource({ url, servername: 'broker.example' })
    await test.source.start()
    await distrusted(test)
    expect(mosquitto.log()).not.toContain('anonymous')
  })

  async function distrusted(source: TestSource): Promise<void> {
    await waitFor(() => source.logged('its certificate cannot be trusted'))
  }
})
