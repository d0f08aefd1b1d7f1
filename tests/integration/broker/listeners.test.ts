import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { connectAsync, type IClientOptions } from 'mqtt'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { temporaryDir } from '../../support/platform.ts'
import { waitFor } from '../../support/wait-for.ts'
import { startBroker, type TestBroker } from './broker-support.ts'
import { topicOf } from './raw-client.ts'

const hasOpenssl = spawnSync('openssl', ['version']).status === 0
const hasMosquitto = spawnSync('mosquitto_pub', ['--help']).error === undefined

describe('the listeners', () => {
  let test: TestBroker | null = null
  afterEach(async () => {
    await test?.close()
    test = null
  })

  it('take MQTT over TCP and WebSocket', async () => {
    test = await startBroker()
    const account = test.device('acme.t1')
    const tcp = await test.mqtt(account)
    await tcp.publishAsync(topicOf('acme.t1'), 'tcp', { qos: 1 })
    const web = await connectAsync(`ws://127.0.0.1:${test.ports.mqttWs}`, {
      ...account,
      clientId: 'w',
    })
    const heard: string[] = []
    web.on('message', (_topic, payload) => heard.push(payload.toString()))
    await web.subscribeAsync(topicOf('acme.t1'), { qos: 1 })
    await web.publishAsync(topicOf('acme.t1'), 'x'.repeat(100_000), { qos: 2 })
    await waitFor(() => heard.length === 1)
    expect(heard[0]).toHaveLength(100_000)
    expect(test.intake.accepted).toHaveLength(2)
    const answer = await fetch(`http://127.0.0.1:${test.ports.mqttWs}/`)
    expect(answer.status).toBe(426)
    await web.endAsync()
  })

  it('report setting, error and what to do when a port is taken', async () => {
    const blocker = createServer()
    await new Promise<void>((resolve) => blocker.listen(0, '127.0.0.1', resolve))
    const address = blocker.address()
    const port = typeof address === 'object' && address ? address.port : 0
    await expect(
      startBroker({ ports: { mqtt: 0, mqtts: 'off', mqttWs: port } }),
    ).rejects.toMatchObject({
      code: 'LISTEN_FAILED',
      message: expect.stringMatching(
        new RegExp(`^PADBORG_MQTT_WS_PORT=${port}: .*EADDRINUSE.*another port`),
      ),
    })
    blocker.close()
  })

  it('report what is wrong with the TLS files', async () => {
    const ports = { mqtt: 'off', mqtts: 0, mqttWs: 'off' } as const
    const tls = { cert: '/nowhere/cert.pem', key: '/nowhere/key.pem', clientCa: null }
    await expect(startBroker({ ports, tls })).rejects.toMatchObject({
      code: 'TLS_INVALID',
      message: expect.stringContaining('PADBORG_TLS_CERT=/nowhere/cert.pem'),
    })
    const dir = temporaryDir('tls')
    const file = join(dir.path, 'text.pem')
    writeFileSync(file, 'not a certificate')
    await expect(
      startBroker({ ports, tls: { cert: file, key: file, clientCa: null } }),
    ).rejects.toMatchObject({ code: 'TLS_INVALID' })
    dir.remove()
  })

  describe.skipIf(!hasMosquitto)(
    `with mosquitto_pub${hasMosquitto ? '' : ' (skipped: it is not installed)'}`,
    () => {
      it('serve mosquitto_pub and mosquitto_sub', async () => {
        test = await startBroker()
        const { username, password } = test.device('acme.t1')
        const args = ['-h', '127.0.0.1', '-p', `${test.ports.mqtt}`, '-u', username, '-P', password]
        const child = spawn('mosquitto_sub', [
          ...args,
          '-t',
          topicOf('acme.t1'),
          '-q',
          '1',
          '-W',
          '20',
        ])
        let text = ''
        child.stdout.on('data', (bytes: Buffer) => (text += bytes.toString()))
        await waitFor(async () => (await test?.metric('padborg_mqtt_connections')) === 1)
        // Published again until the subscription is in place.
        const pub = async (qos: string) => {
          const one = spawn('mosquitto_pub', [
            ...args,
            '-t',
            topicOf('acme.t1'),
            '-m',
            `m${qos}`,
            '-q',
            qos,
          ])
          return await new Promise((resolve) => one.once('exit', resolve))
        }
        await waitFor(async () => {
          expect(await pub('1')).toBe(0)
          return text.includes('m1')
        })
        expect(await pub('0')).toBe(0)
        expect(await pub('2')).toBe(0)
        await waitFor(() => text.includes('m0') && text.includes('m2'))
        child.kill()
      })

      it('answer an MQTT 5 mosquitto_pub with a refusal', async () => {
        test = await startBroker()
        const { username, password } = test.device('acme.t1')
        const child = spawn('mosquitto_pub', [
          '-V',
          '5',
          '-h',
          '127.0.0.1',
          '-p',
          `${test.ports.mqtt}`,
          '-u',
          username,
          '-P',
          password,
          '-t',
          topicOf('acme.t1'),
          '-m',
          'x',
          '-q',
          '1',
        ])
        const code = await new Promise((resolve) => child.once('exit', resolve))
        expect(code).not.toBe(0)
        expect(test.intake.accepted).toEqual([])
        expect(test.log.some(({ text }) => text.includes('MQTT 5'))).toBe(true)
      })
    },
  )

  describe.skipIf(!hasOpenssl)(
    `with TLS${hasOpenssl ? '' : ' (skipped: openssl is not installed)'}`,
    () => {
      const dir = temporaryDir('tls')
      const file = (name: string) => join(dir.path, name)
      beforeAll(() => {
        const openssl = (...args: string[]) =>
          execFileSync('openssl', args, { cwd: dir.path, stdio: 'ignore' })
        const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
        openssl(
          'req',
          '-x509',
          ...key,
          '-keyout',
          'ca.key',
          '-out',
          'ca.pem',
          '-subj',
          '/CN=test',
          '-days',
          '2',
        )
        for (const name of ['localhost', 'acme.t1', 'acme.gone']) {
          openssl(
            'req',
            ...key,
            '-keyout',
            `${name}.key`,
            '-out',
            `${name}.csr`,
            '-subj',
            `/CN=${name}`,
          )
          const signer = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2']
          openssl('x509', '-req', '-in', `${name}.csr`, ...signer, '-out', `${name}.pem`)
        }
        const self = [
          '-keyout',
          'self.key',
          '-out',
          'self.pem',
          '-subj',
          '/CN=acme.t1',
          '-days',
          '2',
        ]
        openssl('req', '-x509', ...key, ...self)
      })

      const start = async () => {
        const tls = {
          cert: file('localhost.pem'),
          key: file('localhost.key'),
          clientCa: file('ca.pem'),
        }
        test = await startBroker({ ports: { mqtt: 'off', mqtts: 0, mqttWs: 'off' }, tls })
        return { account: test.device('acme.t1'), port: test.ports.mqtts }
      }
      const connect = async (port: number, options: IClientOptions) => {
        const client = await connectAsync(`mqtts://localhost:${port}`, {
          host: '127.0.0.1',
          ca: readFileSync(file('ca.pem')),
          servername: 'localhost',
          reconnectPeriod: 0,
          ...options,
        })
        client.on('error', () => client.end(true))
        return client
      }
      const certificate = (name: string) => ({
        cert: readFileSync(file(`${name}.pem`)),
        key: readFileSync(file(`${name}.key`)),
      })

      it('take a password, or a certificate whose common name is the device', async () => {
        const { account, port } = await start()
        const byPassword = await connect(port, account)
        await byPassword.publishAsync(topicOf('acme.t1'), 'x', { qos: 1 })
        const byCertificate = await connect(port, certificate('acme.t1'))
        await byCertificate.publishAsync(topicOf('acme.t1'), 'y', { qos: 1 })
        expect(test?.intake.accepted.map(({ device }) => device)).toEqual(['acme.t1', 'acme.t1'])
        byPassword.end(true)
        byCertificate.end(true)
      })

      it('refuse a certificate of an unknown device, one of another authority, and none', async () => {
        const { port } = await start()
        await expect(connect(port, certificate('acme.gone'))).rejects.toMatchObject({ code: 5 })
        await expect(connect(port, certificate('self'))).rejects.toMatchObject({ code: 4 })
        await expect(connect(port, {})).rejects.toMatchObject({ code: 4 })
        const named = { ...certificate('acme.t1'), username: 'acme.t2' }
        await expect(connect(port, named)).rejects.toMatchObject({ code: 5 })
      })
    },
  )
})
