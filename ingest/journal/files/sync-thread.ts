import { Worker } from 'node:worker_threads'
import { YOUNG_GENERATION_MIB } from '#lib/runtime/threads/process-flags.ts'

/**
 * A thread that does nothing but write groups and sync them. On libuv's pool they would wait for, and
 * compete with, the queries of the store; so the pool can stand back (`lib/runtime/threads/priority.ts`).
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

/** What the thread answers: nothing, or what the system's error was. */
type Answer = { readonly message: string; readonly code: string } | null

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
    begun.on('message', (answer: Answer) => {
      const one = waiting.shift()
      if (answer) one?.reject(Object.assign(new Error(answer.message), answer))
      else one?.resolve()
      if (waiting.length === 0) begun.unref()
    })
    // It has no way to fail but memory: whoever waits is told, and the next write starts another one.
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
