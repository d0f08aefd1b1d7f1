// A thread of its own for `sync-thread.ts`, which says why. Plain JavaScript: taking types away would cost
// this thread more memory (some 18 MiB) than all it does.
import { fdatasyncSync, writeSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'

parentPort.on('message', ({ fd, memory, start, length, offset }) => {
  try {
    const bytes = new Uint8Array(memory, start, length)
    // A write may be cut short (a disk that becomes full, a signal): go on, the next one tells why.
    for (let done = 0; done < length;) {
      done += writeSync(fd, bytes, done, length - done, offset + done)
    }
    fdatasyncSync(fd)
    parentPort.postMessage(null)
  } catch ({ message, code, errno, syscall }) {
    parentPort.postMessage({ message, code, errno, syscall })
  }
})
