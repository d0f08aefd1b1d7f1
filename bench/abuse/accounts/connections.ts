import { connect } from 'node:net'
import { repeat, type Abuse } from '../abuse.ts'
import { connectMqtt } from '../mqtt-client.ts'
import type { Account, Place } from '../place.ts'

const deviceOf = ({ devices }: Place, n: number): Account => {
  const account = devices[n % devices.length]
  if (!account) throw new Error('expected a device')
  return account
}

export const reconnecting: Abuse = {
  name: 'reconnecting',
  summary: 'connects with good credentials and leaves, 50 at once',
  run: (place, signal) =>
    repeat(signal, 50, async (n) => {
      const client = await connectMqtt(place, deviceOf(place, n))
      client?.destroy()
      return client ? 'taken' : 'refused'
    }),
}

export const wrongPasswords: Abuse = {
  name: 'wrong passwords',
  summary: 'signs in with wrong passwords, 50 at once',
  run: (place, signal) =>
    repeat(signal, 50, async (n) => {
      const client = await connectMqtt(place, {
        username: deviceOf(place, n).username,
        password: `wrong-password-${n}`,
      })
      return client ? 'taken' : 'refused'
    }),
}

export const halfConnections: Abuse = {
  name: 'half connections',
  summary: 'opens connections and never says who it is',
  async run(place, signal) {
    const open = new Set<{ destroy(): void }>()
    const attempts = await repeat(signal, 20, async () => {
      if (open.size > 3000) {
        await new Promise((resolve) => setTimeout(resolve, 50))
        return 'taken'
      }
      const socket = connect(place.mqttPort, '127.0.0.1')
      open.add(socket)
      socket.on('error', () => socket.destroy())
      socket.once('close', () => open.delete(socket))
      const isOpen = await new Promise<boolean>((resolve) => {
        socket.once('connect', () => resolve(true))
        socket.once('close', () => resolve(false))
      })
      return isOpen ? 'taken' : 'refused'
    })
    for (const socket of open) socket.destroy()
    return attempts
  },
}

export const wills: Abuse = {
  name: 'wills',
  summary: 'connects with a retained will of 64 KiB and breaks off, 20 at once',
  run: (place, signal) =>
    repeat(signal, 20, async (n) => {
      const account = deviceOf(place, n)
      const client = await connectMqtt(place, account, {
        will: {
          topic: `padborg/v1/${account.username.replace('.', '/')}/status`,
          payload: Buffer.alloc(64 * 1024, 'w'),
          qos: 1,
          retain: true,
        },
      })
      client?.socket.resetAndDestroy()
      return client ? 'taken' : 'refused'
    }),
}

export const sessions: Abuse = {
  name: 'sessions',
  summary: 'leaves persistent sessions with subscriptions under ever new client ids',
  run: (place, signal) =>
    repeat(signal, 20, async (n) => {
      const client = await connectMqtt(place, place.application, {
        clean: false,
        clientId: `s${n}-${'x'.repeat(200)}`,
      })
      const sent = await client?.send({
        cmd: 'subscribe',
        messageId: 1,
        subscriptions: Array.from({ length: 50 }, (_, at) => ({
          topic: `padborg/v1/${place.tenant}/d${at}/status`,
          qos: 1,
        })),
      })
      client?.socket.end()
      return sent ? 'taken' : 'refused'
    }),
}
