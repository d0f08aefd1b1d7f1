import type { MessagePort } from 'node:worker_threads'
import { decodeError, encodeError, type EncodedError } from '../encoding/error-codec.ts'
import { PlatformError } from '../errors.ts'
import { isPlain, fromRowTable, toRowTable, type RowTable } from './row-table.ts'

/** What `parentPort`, `Worker` and `MessagePort` have in common. */
export interface Channel {
  postMessage(value: unknown): void
  on(event: 'message', listener: (value: unknown) => void): unknown
}

type Handler = (argument: never, signal: AbortSignal) => unknown

/** Handlers by name: argument in, result (or a promise of it) out. */
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
interface Reply {
  readonly rpc: 'reply'
  readonly id: number
  readonly value?: unknown
  /** In place of a value that is a long list of rows. */
  readonly table?: RowTable
  /** Long lists of rows in a value that is an object, by their names there. */
  readonly tables?: Readonly<Record<string, RowTable>>
  readonly error?: EncodedError
}

/** A list of so many rows is sent as a table. */
const TABLE_ROWS = 64

/** Answers calls that arrive on the channel. Errors are sent with code, text and path. */
export function serveCalls(channel: Channel, handlers: Handlers): void {
  const running = new Map<number, AbortController>()
  channel.on('message', (message) => {
    if (isPart<Cancel>(message, 'cancel')) running.get(message.id)?.abort()
    if (!isPart<Call>(message, 'call')) return
    const controller = new AbortController()
    running.set(message.id, controller)
    void run(message, controller.signal).then((reply) => {
      running.delete(message.id)
      post(reply)
    })
  })

  /** A result that cannot be sent is an error of the handler: its caller must not wait forever. */
  function post(reply: Reply): void {
    try {
      channel.postMessage(reply)
    } catch (error) {
      channel.postMessage({
        rpc: 'reply',
        id: reply.id,
        error: encodeError(error),
      } satisfies Reply)
    }
  }

  async function run({ id, name, argument }: Call, signal: AbortSignal): Promise<Reply> {
    try {
      const handler = Object.hasOwn(handlers, name) ? handlers[name] : undefined
      if (!handler) throw new Error(`no handler is named ${name}`)
      const value = await handler(argument as never, signal)
      return { rpc: 'reply', id, ...encodeValue(value) }
    } catch (error) {
      return { rpc: 'reply', id, error: encodeError(error) }
    }
  }
}

function encodeValue(value: unknown): Pick<Reply, 'value' | 'table' | 'tables'> {
  const table = tableOfLongList(value)
  if (table) return { table }
  if (!isPlain(value) || Object.hasOwn(value, '__proto__')) return { value }
  const rest: Record<string, unknown> = {}
  const tables: Record<string, RowTable> = {}
  for (const [name, part] of Object.entries(value)) {
    const rows = tableOfLongList(part)
    if (rows) tables[name] = rows
    else rest[name] = part
  }
  return Object.keys(tables).length === 0 ? { value } : { value: rest, tables }
}

function tableOfLongList(value: unknown): RowTable | null {
  return Array.isArray(value) && value.length >= TABLE_ROWS ? toRowTable(value) : null
}

function decodeValue({ value, table, tables }: Reply): unknown {
  if (table) return fromRowTable(table)
  if (!tables || !isPlain(value)) return value
  const lists = Object.entries(tables).map(([name, rows]) => [name, fromRowTable(rows)] as const)
  return { ...value, ...Object.fromEntries(lists) }
}

export interface Caller {
  call<T>(name: string, argument: unknown, signal?: AbortSignal): Promise<T>
  /** Fails every call that waits, and every later one, with CLOSED. */
  close(): void
}

/** The calling end. */
export function createCaller(channel: Channel | MessagePort): Caller {
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>()
  let lastId = 0
  let closed = false
  channel.on('message', (message: unknown) => {
    if (!isPart<Reply>(message, 'reply')) return
    const call = waiting.get(message.id)
    waiting.delete(message.id)
    if (message.error) call?.reject(decodeError(message.error))
    else call?.resolve(decodeValue(message))
  })

  return {
    call<T>(name: string, argument: unknown, signal?: AbortSignal) {
      if (closed)
        return Promise.reject(new PlatformError('CLOSED', `${name} was called after close`))
      const id = ++lastId
      const cancel = () => channel.postMessage({ rpc: 'cancel', id } satisfies Cancel)
      return new Promise<T>((resolve, reject) => {
        // First, as it throws for an argument that cannot be sent: then nobody waits.
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
