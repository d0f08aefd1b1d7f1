import { setTimeout as pause } from 'node:timers/promises'
import { connectAsync, type MqttClient } from 'mqtt'
import { readRunFile } from '#lib/runtime/data-dir.ts'
import {
  EXIT,
  RefusedError,
  UsageError,
  runCommand,
  type Given,
  type Outcome,
} from '#lib/runtime/command.ts'
import { messageOf } from '#lib/runtime/errors.ts'
import { DATA_DIR_OPTION, dataDirOf } from './local-platform.ts'

const COMMAND = {
  name: 'publish',
  summary: `Publishes one message as a device would: QoS 1, until it is acknowledged, which means that it is on
disk. Then it listens for what the platform tells the device on its topic "errors".`,
  options: {
    device: { value: 'ID', about: 'the full id, <tenant>.<device>, which is the user name' },
    password: { value: 'TEXT', about: 'of POST /devices/:id/credentials; else PADBORG_PASSWORD' },
    json: { value: 'TEXT', about: 'the payload' },
    channel: { value: 'NAME', about: 'last levels of the native topic', default: 'telemetry' },
    topic: {
      value: 'TOPIC',
      about: 'another topic that the device may write, instead of a channel',
    },
    url: {
      value: 'URL',
      about: 'MQTT, such as mqtts://host:8883; else the platform of --data-dir',
    },
    wait: { value: 'S', about: 'how long it listens for an error', default: '1.5' },
    'data-dir': DATA_DIR_OPTION,
  },
  examples: [
    `--device acme.t1 --password pbd_... --json '{"v":1,"kind":"truck","data":{"speedKmh":72.5}}'`,
    `--device acme.r1 --password pbd_... --topic uagv/v2/KIT/0001/state --json "$(cat state.json)"`,
  ],
} as const

type Name = keyof typeof COMMAND.options

const CONNECT_MS = 10_000

async function publish({ texts }: Given<Name>): Promise<Outcome> {
  const { device = '', json: payload, channel } = texts
  const password = texts.password ?? process.env['PADBORG_PASSWORD']
  const [tenant = '', short = ''] = device.split('.')
  const waitS = Number(texts.wait)
  const problems = [
    ...(tenant && short ? [] : [`--device ${device}: expected <tenant>.<device>`]),
    ...(payload === undefined ? ['--json: expected the payload, got nothing'] : []),
    ...(password ? [] : ['--password: expected the password of the device, got nothing']),
    ...(waitS >= 0 ? [] : [`--wait ${texts.wait}: expected seconds from 0`]),
  ]
  if (problems.length > 0 || payload === undefined) throw new UsageError(...problems)
  const own = `padborg/v1/${tenant}/${short}`
  const topic = texts.topic ?? `${own}/${channel}`
  const url = texts.url ?? localUrl(dataDirOf(texts['data-dir']))
  const client = await signedIn(url, { username: device, password: password ?? '' })
  try {
    const errors = await errorsOf(client, `${own}/errors`)
    await acknowledged(client, topic, payload)
    process.stderr.write(`Acknowledged: it is on disk. Listening for errors for ${waitS} s ...\n`)
    await pause(waitS * 1000)
    const [error] = errors
    if (error === undefined) return { text: `Published on ${topic}; no error was reported.` }
    return { text: `The platform rejected it: ${error}`, code: EXIT.failed }
  } finally {
    await client.endAsync()
  }
}

function localUrl(dir: string): string {
  const port = readRunFile(dir)?.addresses['mqtt']
  if (port !== undefined) return `mqtt://127.0.0.1:${port}`
  throw new RefusedError(
    `${dir}: expected a platform that runs on this directory, there is none; start it, or give --url`,
  )
}

async function signedIn(
  url: string,
  account: { readonly username: string; readonly password: string },
): Promise<MqttClient> {
  const options = { ...account, reconnectPeriod: 0, connectTimeout: CONNECT_MS }
  try {
    return await connectAsync(url, options)
  } catch (error) {
    throw new RefusedError(
      `${url}: expected to sign in as ${account.username}, got ${messageOf(error)}`,
    )
  }
}

/** Payloads of the topic, as they arrive. */
async function errorsOf(client: MqttClient, topic: string): Promise<readonly string[]> {
  const errors: string[] = []
  client.on('message', (_topic, payload) => errors.push(payload.toString()))
  await client.subscribeAsync(topic, { qos: 0 })
  return errors
}

/** A platform that refuses a topic closes the connection. */
async function acknowledged(client: MqttClient, topic: string, payload: string): Promise<void> {
  const closed = new Promise<never>((_resolve, reject) => {
    client.once('close', () => {
      const why = 'the platform closed the connection; may the device write this topic?'
      reject(new RefusedError(`${topic}: expected an acknowledgement, but ${why}`))
    })
  })
  closed.catch(() => {})
  await Promise.race([client.publishAsync(topic, payload, { qos: 1 }), closed])
}

if (import.meta.main) process.exit(await runCommand(COMMAND, process.argv.slice(2), publish))
