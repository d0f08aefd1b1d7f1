import { afterEach, describe, expect, it } from 'vitest'
import { waitFor } from '../../support/wait-for.ts'
import { startBroker, type TestBroker } from './broker-support.ts'
import { connectPacket, publishPacket, topicOf } from './raw-client.ts'

describe('sign-in', () => {
  let test: TestBroker
  afterEach(() => test.close())

  const connect = async (fields: object) => {
    const client = await test.raw()
    client.send(connectPacket(fields))
    return { client, connack: await client.next('connack') }
  }

  it('refuses a wrong password with a log line that names the user and not the password', async () => {
    test = await startBroker()
    const { username } = test.device('acme.t1')
    const { client, connack } = await connect({ username, password: 'wrong-secret' })
    expect(connack['returnCode']).toBe(4)
    await client.whenClosed()
    const lines = test.log.filter(({ level }) => level === 'warn')
    expect(lines).toHaveLength(1)
    expect(lines[0]?.text).toContain('acme.t1')
    expect(JSON.stringify(test.log)).not.toContain('wrong-secret')
    expect(await test.metric('padborg_mqtt_refused_total{reason="credentials"}')).toBe(1)
  })

  it('refuses a connection without user name and password', async () => {
    test = await startBroker()
    expect((await connect({})).connack['returnCode']).toBe(4)
    expect((await connect({ username: 'acme.t1' })).connack['returnCode']).toBe(4)
  })

  it('accepts an application with the key of its own tenant only', async () => {
    test = await startBroker()
    const { username, password } = test.application('acme')
    test.application('beta')
    expect((await connect({ username, password })).connack['returnCode']).toBe(0)
    expect((await connect({ username: 'beta', password })).connack['returnCode']).toBe(4)
  })

  it('accepts empty client ids, but no persistent session without a client id', async () => {
    test = await startBroker()
    const { username, password } = test.device('acme.t1')
    const one = await connect({ username, password, clientId: '' })
    const two = await connect({ username, password, clientId: '' })
    expect([one.connack['returnCode'], two.connack['returnCode']]).toEqual([0, 0])
    expect(one.client.closed).toBe(false)
    const { generate } = (await import('mqtt-packet')).default
    const bytes = generate(
      connectPacket({ clientId: '', username, password: Buffer.from(password) }),
    )
    // The generator refuses it: clear the flag of a clean session in the bytes.
    bytes[9] = (bytes[9] ?? 0) & ~2
    const none = await test.raw()
    none.bytes(bytes)
    expect(await none.next('connack')).toMatchObject({ returnCode: 2 })
  })

  it('keeps the same client id of two tenants apart, and takes over within an account', async () => {
    test = await startBroker()
    const acme = test.device('acme.t1')
    const first = await test.signedIn(acme, { clientId: 'same' })
    const other = await test.signedIn(test.device('beta.t1'), { clientId: 'same' })
    other.send({ cmd: 'pingreq' })
    await other.next('pingresp')
    first.send({ cmd: 'pingreq' })
    await first.next('pingresp')
    await test.signedIn(acme, { clientId: 'same' })
    await first.whenClosed()
    expect(other.closed).toBe(false)
  })

  it('gives a tenant nothing of the queue that another left under the same client id', async () => {
    test = await startBroker()
    const robot = test.device('acme.r1', { kind: 'robot' })
    const session = { clientId: 'same', clean: false }
    const away = await test.signedIn(robot, session)
    const command = topicOf('acme.r1', 'order')
    away.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: command, qos: 1 }] })
    await away.next('suback')
    away.socket.destroy()
    const app = await test.mqtt(test.application('acme'))
    await waitFor(async () => (await test.metric('padborg_mqtt_connections')) === 1)
    await app.publishAsync(command, 'go', { qos: 1 })
    const stranger = await test.signedIn(test.device('beta.r1'), session)
    stranger.send({ cmd: 'pingreq' })
    await stranger.next('pingresp')
    expect(stranger.received).toEqual([])
    const back = await test.signedIn(robot, session)
    expect(await back.next('publish')).toMatchObject({ topic: command })
  })

  it('ends connections at once when a credential, device or key is deleted', async () => {
    test = await startBroker()
    const accounts = ['acme.t1', 'acme.t2', 'beta.t1'].map((id) => test.device(id))
    const clients = await Promise.all(accounts.map((account) => test.signedIn(account)))
    const app = await test.signedIn(test.application('acme'))
    const [credential] = test.registry.credentials.list('acme.t1')
    test.registry.credentials.delete(credential?.id ?? '')
    await clients[0]?.whenClosed()
    expect(clients.map(({ closed }) => closed)).toEqual([true, false, false])
    test.registry.keys.delete(test.registry.keys.list()[0]?.id ?? '')
    await app.whenClosed()
    expect(clients[1]?.closed).toBe(false)
    test.registry.devices.delete('acme.t2')
    await clients[1]?.whenClosed()
    test.registry.devices.delete('beta.t1')
    await clients[2]?.whenClosed()
    expect(await test.metric('padborg_mqtt_refused_total{reason="revoked"}')).toBe(4)
  })

  it('ends a connection whose credential expires', async () => {
    test = await startBroker()
    test.device('acme.t1')
    const validTo = new Date(Date.now() + 700).toISOString()
    const short = test.registry.credentials.create('acme.t1', { validTo })
    const client = await test.signedIn(short)
    await client.whenClosed()
    expect(test.logged('has expired')).toBe(true)
  })

  it('tells an MQTT 5 client what is expected', async () => {
    test = await startBroker()
    test.device('acme.t1')
    const client = await test.raw()
    client.send(connectPacket({ protocolVersion: 5 }))
    expect(await client.next('connack')).toMatchObject({ returnCode: 1 })
    await client.whenClosed()
    expect(test.log.map(({ text }) => text).join()).toMatch(/expected MQTT 3\.1\.1, got MQTT 5/)
  })

  it('answers CONNACK 3 above the limit of connections, and accepts one again after a disconnect', async () => {
    test = await startBroker({ maxConnections: 2 })
    const { username, password } = test.device('acme.t1')
    const first = await connect({ username, password, clientId: 'a' })
    await connect({ username, password, clientId: 'b' })
    const third = await connect({ username, password, clientId: 'd' })
    expect(third.connack['returnCode']).toBe(3)
    expect(test.logged('PADBORG_MQTT_MAX_CONNECTIONS')).toBe(true)
    const again = await connect({ username, password, clientId: 'a' })
    expect(again.connack['returnCode']).toBe(0)
    await first.client.whenClosed()
    again.client.socket.destroy()
    await waitFor(async () => (await test.metric('padborg_mqtt_connections')) === 1)
    expect((await connect({ username, password, clientId: 'e' })).connack['returnCode']).toBe(0)
  })

  it('takes what a client sends before its CONNACK', async () => {
    test = await startBroker()
    const { username, password } = test.device('acme.t1')
    const client = await test.raw()
    const { generate } = (await import('mqtt-packet')).default
    const packets = Array.from({ length: 500 }, (_, at) =>
      generate(publishPacket(topicOf('acme.t1'), `${at}`, { messageId: at + 1 })),
    )
    const connect = generate(
      connectPacket({ clientId: 'c', username, password: Buffer.from(password) }),
    )
    client.bytes(Buffer.concat([connect, ...packets]))
    await waitFor(() => client.received.filter(({ cmd }) => cmd === 'puback').length === 500)
    expect(test.intake.accepted.map(({ payload }) => Buffer.from(payload).toString())).toEqual(
      Array.from({ length: 500 }, (_, at) => `${at}`),
    )
  })
})

describe('topic rights', () => {
  let test: TestBroker
  afterEach(() => test.close())

  it.each([
    ['the topic of another device', 'padborg/v1/acme/t2/telemetry'],
    ['the topic of another tenant', 'padborg/v1/beta/t1/telemetry'],
    ['a topic outside the tree', 'somewhere/else'],
    ['the system topics', '$SYS/broker'],
    ['a shared subscription', '$share/group/padborg/v1/acme/t1/telemetry'],
    ['a channel that is only read', 'padborg/v1/acme/t1/errors'],
    ['a filter', 'padborg/v1/acme/t1/#'],
  ])('closes the connection of a device that publishes on %s', async (_what, topic) => {
    test = await startBroker()
    test.device('acme.t2')
    test.device('beta.t1')
    const client = await test.signedIn(test.device('acme.t1'))
    const { generate } = (await import('mqtt-packet')).default
    const bytes = generate(publishPacket('x'.repeat(topic.length), 'x', { messageId: 1 }))
    // The generator refuses wildcards; the bytes do not.
    bytes.write(topic, 4)
    client.bytes(bytes)
    await client.whenClosed()
    expect(client.received).toEqual([])
    expect(test.intake.accepted).toEqual([])
    expect(await test.metric('padborg_mqtt_refused_total{reason="topic"}')).toBe(1)
  })

  it('grants each filter by itself', async () => {
    test = await startBroker()
    test.device('beta.t1')
    const client = await test.signedIn(test.device('acme.t1', { topics: ['uagv/v2/KIT/1/#'] }))
    const filters = [
      'padborg/v1/acme/t1/errors',
      '#',
      'padborg/v1/acme/t1/#',
      'padborg/v1/+/t1/errors',
      '$SYS/#',
      '$share/g/padborg/v1/acme/t1/errors',
      'uagv/v2/KIT/1/order',
      'uagv/v2/KIT/2/order',
      'padborg/v1/beta/t1/errors',
    ]
    client.send({
      cmd: 'subscribe',
      messageId: 1,
      subscriptions: filters.map((topic) => ({ topic, qos: 1 as const })),
    })
    const { granted } = await client.next('suback')
    expect(granted).toEqual([1, 128, 1, 128, 128, 128, 1, 128, 128])
  })

  it('refuses a CONNECT with a will on a foreign topic', async () => {
    test = await startBroker()
    test.device('acme.t2')
    const { username, password } = test.device('acme.t1')
    const client = await test.raw()
    client.send(
      connectPacket({
        clientId: 'c',
        username,
        password: Buffer.from(password),
        will: {
          topic: topicOf('acme.t2', 'status'),
          payload: Buffer.from('x'),
          qos: 0,
          retain: true,
        },
      }),
    )
    expect(await client.next('connack')).toMatchObject({ returnCode: 5 })
    await client.whenClosed()
    expect(test.intake.accepted).toEqual([])
  })

  it('keeps the same foreign topic of two tenants apart: live and retained', async () => {
    test = await startBroker()
    const topics = ['site/+/state']
    const robots = ['acme.r1', 'beta.r1'].map((id) => test.device(id, { kind: 'robot', topics }))
    const [acme, beta] = await Promise.all(robots.map((robot) => test.mqtt(robot)))
    const [acmeApp, betaApp] = await Promise.all(
      ['acme', 'beta'].map((tenant) => test.mqtt(test.application(tenant))),
    )
    const heard: string[] = []
    for (const [name, app] of [
      ['acme', acmeApp],
      ['beta', betaApp],
    ] as const) {
      app?.on('message', (topic, payload) => heard.push(`${name} ${topic} ${payload.toString()}`))
      await app?.subscribeAsync('site/+/state', { qos: 1 })
    }
    await acme?.publishAsync('site/1/state', 'of acme', { qos: 1, retain: true })
    await beta?.publishAsync('site/1/state', 'of beta', { qos: 1, retain: true })
    await waitFor(() => heard.length === 2)
    expect(heard.toSorted()).toEqual(['acme site/1/state of acme', 'beta site/1/state of beta'])
    expect(test.intake.accepted.map(({ device }) => device)).toEqual(['acme.r1', 'beta.r1'])
    const late = await test.signedIn(test.application('beta'))
    late.send({
      cmd: 'subscribe',
      messageId: 1,
      subscriptions: [
        { topic: 'site/#', qos: 0 },
        { topic: 'site/1/state', qos: 0 },
      ],
    })
    await late.next('suback')
    const publish = await late.next('publish')
    expect(String(publish['payload'])).toBe('of beta')
    expect(publish.retain).toBe(true)
  })

  it('forwards commands within the tenant, counted and never journaled', async () => {
    test = await startBroker()
    const device = await test.mqtt(test.device('acme.t1'))
    const heard: string[] = []
    device.on('message', (topic, payload) => heard.push(`${topic} ${payload.toString()}`))
    await device.subscribeAsync('padborg/v1/acme/t1/#', { qos: 1 })
    const app = await test.mqtt(test.application('acme'))
    await app.publishAsync('padborg/v1/acme/t1/command', 'stop', { qos: 1 })
    await waitFor(() => heard.length === 1)
    expect(heard).toEqual(['padborg/v1/acme/t1/command stop'])
    expect(test.intake.commands).toEqual(['acme.t1'])
    expect(test.intake.accepted).toEqual([])
    expect(await test.metric('padborg_commands_total')).toBe(1)
  })

  it('notifies a device that subscribes of what was not stored', async () => {
    test = await startBroker()
    const notice = {
      topic: topicOf('acme.t1'),
      reason: 'schema',
      path: 'data.x',
      expected: 'number',
      got: 'string',
      rejectionId: '4711.0',
      count: 1,
    }
    const client = await test.mqtt(test.device('acme.t1'))
    test.broker.notify({ device: 'acme.t1', ...notice })
    const heard: string[] = []
    client.on('message', (topic, payload) => heard.push(topic, payload.toString()))
    await client.subscribeAsync(topicOf('acme.t1', 'errors'))
    test.broker.notify({ device: 'acme.t1', ...notice })
    await waitFor(() => heard.length > 0)
    expect(heard).toEqual([topicOf('acme.t1', 'errors'), JSON.stringify(notice)])
  })
})
