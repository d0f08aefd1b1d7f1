import { Worker } from 'node:worker_threads'
import { YOUNG_GENERATION_MIB } from '#lib/runtime/threads/process-flags.ts'

/**
 * A thread that does nothing but write groups and sync them. On libuv's pool they would wait for, and
 * compete with, the queries of the store; so the pool can run at a lower priority (`lib/runtime/threads/priority.ts`).
 */
export interface SyncThread {
  /** Writes all bytes at an offset and syncs the file; rejects with the system's error. */
  write(fd: number, bytes: Uint8Array, offset: number): Promise<void>
  close(): Promise<void>
}

interface Waiting {
  resolve(): void
  reject(error: Error): void
}

/** What the thread replies: nothing, or the error of the system. */
type Reply = { readonly message: string; readonly code: string } | null

/** Runs nothing before the first write. */
export function createSyncThread(): SyncThread {
  const waiting: Waiting[] = []
  let worker: Worker | null = null

  return {
    write(fd, bytes, offset) {
      const { buffer, byteOffset, byteLength } = shared(bytes)
      return new Promise((resolve, reject) => {
        waiting.push({ resolve, reject })
        worker ??= start()
        // As with any other file operation, the process does not end before it has.
        worker.ref()
        worker.postMessage({ fd, memory: buffer, start: byteOffset, length: byteLength, offset })
      })
    },
    async close() {
      await worker?.terminate()
    },
  }

  function start(): Worker {
    const begun = new Worker(new URL('sync-thread.mjs', import.meta.url), {
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MIB.syncThread },
    })
    begun.on('message', (reply: Reply) => {
      const one = waiting.shift()
      if (reply) one?.reject(Object.assign(new Error(reply.message), reply))
      else one?.resolve()
      if (waiting.length === 0) begun.unref()
    })
    // It can fail only for lack of memory: those that wait get the error, and the next write starts another.
    begun.on('error', (error) => {
      worker = null
      const reason = error instanceof Error ? error : new Error(String(error))
      for (const one of waiting.splice(0)) one.reject(reason)
    })
    return begun
  }
}

/** Memory both threads see. Slabs have it; anything else is copied. */
function shared(bytes: Uint8Array): Uint8Array {
  if (bytes.buffer instanceof SharedArrayBuffer) return bytes
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.byteLength))
  copy.set(bytes)
  return copy
}
