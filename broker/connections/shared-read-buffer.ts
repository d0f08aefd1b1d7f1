// Written for speed: without it every read of a socket makes a buffer.
import type { Socket } from 'node:net'

/**
 * One buffer that all TCP sockets read into. Node otherwise makes a buffer of 64 KiB for each read and
 * shrinks it to what arrived; for a telemetry message of 300 bytes that costs more than parsing it, and
 * is a large part of the garbage of the main thread.
 *
 * Node has this as `onread`, but only for sockets that a program opens itself. Those of a server have
 * the same fields, under symbols; a version of Node without them makes a buffer per read.
 */
export interface SharedReadBuffer {
  /**
   * Whether the socket now reads into the shared buffer. `onBytes` then gets views of it that are
   * valid until it returns, and there is no event 'data'.
   */
  take(socket: Socket, onBytes: (bytes: Buffer) => void): boolean
}

/** The size of one read of libuv. */
const READ_BYTES = 64 * 1024

export function createSharedReadBuffer(): SharedReadBuffer {
  const shared = Buffer.allocUnsafeSlow(READ_BYTES)

  return {
    take(socket, onBytes) {
      const fields = fieldsOf(socket)
      const handle: unknown = Reflect.get(socket, '_handle')
      if (!fields || !readsIntoBuffers(handle)) return false
      Reflect.set(socket, fields.buffer, shared)
      Reflect.set(socket, fields.callback, (length: number) => {
        onBytes(shared.subarray(0, length))
        return true
      })
      handle.useUserBuffer(shared)
      return true
    },
  }
}

interface Fields {
  readonly buffer: symbol
  readonly callback: symbol
}

let fields: Fields | null | undefined

/** The symbols are the same for all sockets of a process. */
function fieldsOf(socket: Socket): Fields | null {
  if (fields !== undefined) return fields
  const named = (name: string) =>
    Object.getOwnPropertySymbols(socket).find(({ description }) => description === name)
  const [buffer, callback, generator] = [named('kBuffer'), named('kBufferCb'), named('kBufferGen')]
  fields = buffer && callback && generator ? { buffer, callback } : null
  return fields
}

interface Handle {
  useUserBuffer(buffer: Buffer): void
}

function readsIntoBuffers(handle: unknown): handle is Handle {
  if (typeof handle !== 'object' || handle === null) return false
  return 'useUserBuffer' in handle && typeof handle.useUserBuffer === 'function'
}
