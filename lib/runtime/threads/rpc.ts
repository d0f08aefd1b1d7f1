import type { MessagePort } from 'node:worker_threads'
import { decodeError, encodeError, type EncodedError } from '../error-codec.ts'
import { PlatformError } from '../errors.ts'
import { isPlain, fromRowTable, toRowTable, type Table } from './row-table.ts'

/** What both ends of a thread boundary share of a port: `parentPort`, `Worker` and `MessagePort`. */
export interface Channel {
  postMessage(value: unknown): void
  on(event: 'message', listener: (value: unknown) => void): unknown
}

type Handler = (argument: never, signal: AbortSignal) => unknown

/** Handlers by name: argument in, answer (or a promise of it) out. */
export type Handlers = Readonly<Record<string, Handler>>

interface Call {
  readonly rpc: 'call'
  readonly id: number
  readonly name: string
  readonly argument: unknown
}
interface Cancel {
  readonly rpc: 'cancel'
  readonly id: number
}
interface Answer {
  readonly rpc: 'answer'
  readonly id: number
  readonly value?: unknown
  /** In place of a value that is a long list of rows. */
  readonly table?: Table
  /** Long lists of rows within a value that is an object, by the names it has them under. */
  readonly tables?: Readonly<Record<string, Table>>
  readonly error?: EncodedError
}

/** From here on a list of rows crosses as a table. */
const TABLE_ROWS = 64

/** Answers calls that arrive on the channel. Errors cross with code, text and path. */
export function serveCalls(channel: Channel, handlers: Handlers): void {
  const running = new Map<number, AbortController>()
  channel.on('message', (message) => {
    if (isPart<Cancel>(message, 'cancel')) running.get(message.id)?.abort()
    if (!isPart<Call>(message, 'call')) return
    const controller = new AbortController()
    running.set(message.id, controller)
    void answer(message, controller.signal).then((reply) => {
      running.delete(message.id)
      post(reply)
    })
  })

  /** What cannot cross is the handler's mistake: its caller must not wait for ever. */
  function post(reply: Answer): void {
    try {
      channel.postMessage(reply)
    } catch (error) {
      channel.postMessage({
        rpc: 'answer',
        id: reply.id,
        error: encodeError(error),
      } satisfies Answer)
    }
  }

  async function answer({ id, name, argument }: Call, signal: AbortSignal): Promise<Answer> {
    try {
      const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined
      if (!handler) throw new Error(`no handler is named ${name}`)
      const value = await handler(argument as never, signal)
      return { rpc: 'answer', id, ...asSentValue(value) }
    } catch (error) {
      return { rpc: 'answer', id, error: encodeError(error) }
    }
  }
}

function asSentValue(value: unknown): Pick<Answer, 'value' | 'table' | 'tables'> {
  const table = tableOfMany(value)
  if (table) return { table }
  if (!isPlain(value) || Object.hasOwn(value, '__proto__')) return { value }
  const rest: Record<string, unknown> = {}
  const tables: Record<string, Table> = {}
  for (const [name, part] of Object.entries(value)) {
    const rows = tableOfMany(part)
    if (rows) tables[name] = rows
    else rest[name] = part
  }
  return Object.keys(tables).length === 0 ? { value } : { value: rest, tables }
}

function tableOfMany(value: unknown): Table | null {
  return Array.isArray(value) && value.length >= TABLE_ROWS ? toRowTable(value) : null
}

function receivedValue({ value, table, tables }: Answer): unknown {
  if (table) return fromRowTable(table)
  if (!tables || !isPlain(value)) return value
  const lists = Object.entries(tables).map(([name, rows]) => [name, fromRowTable(rows)] as const)
  return { ...value, ...Object.fromEntries(lists) }
}

export interface Caller {
  call<T>(name: string, argument: unknown, signal?: AbortSignal): Promise<T>
  /** Fails everything that waits with CLOSED, and everything asked later. */
  close(): void
}

/** The asking end. */
export function createCaller(channel: Channel | MessagePort): Caller {
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  let lastId = 0
  let closed = false
  channel.on('message', (message: unknown) => {
    if (!isPart<Answer>(message, 'answer')) return
    const call = waiting.get(message.id)
    waiting.delete(message.id)
    if (message.error) call?.reject(decodeError(message.error))
    else call?.resolve(receivedValue(message))
  })

  return {
    call<T>(name: string, argument: unknown, signal?: AbortSignal) {
      if (closed)
        return Promise.reject(new PlatformError('CLOSED', `${name} was asked after close`))
      const id = ++lastId
      const cancel = () => channel.postMessage({ rpc: 'cancel', id } satisfies Cancel)
      return new Promise<T>((resolve, reject) => {
        // First, as it throws for an argument that cannot cross: then nobody waits.
        channel.postMessage({ rpc: 'call', id, name, argument } satisfies Call)
        waiting.set(id, { resolve: (value) => resolve(value as T), reject })
        if (signal?.aborted) cancel()
        else signal?.addEventListener('abort', cancel, { once: true })
      }).finally(() => signal?.removeEventListener('abort', cancel))
    },
    close() {
      closed = true
      const error = new PlatformError('CLOSED', 'the other side was closed before it answered')
      for (const call of waiting.values()) call.reject(error)
      waiting.clear()
    },
  }
}

function isPart<T extends { readonly rpc: string }>(message: unknown, rpc: T['rpc']): message is T {
  return typeof message === 'object' && message !== null && 'rpc' in message && message.rpc === rpc
}
