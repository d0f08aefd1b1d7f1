import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/** A way to a server on which every answer takes so much longer. */
export interface SlowWay {
  readonly url: string
  delayAnswers(ms: number): void
  close(): Promise<void>
}

export async function startSlowWay(target: string): Promise<SlowWay> {
  const { hostname, port: targetPort } = new URL(target)
  const sockets = new Set<Socket>()
  let delayMs = 0
  const server = createServer((near) => {
    const far = connect(Number(targetPort), hostname)
    let turn = Promise.resolve()
    // Whatever is said at one end comes to the other in order, the end of the connection too.
    const later = (step: () => void) => {
      const dueMs = performance.now() + delayMs
      turn = turn.then(async () => {
        const restMs = dueMs - performance.now()
        if (restMs > 0) await pause(restMs)
        step()
      })
    }
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
    }
    near.pipe(far)
    far.on('data', (chunk) => later(() => near.write(chunk)))
    far.once('close', () => later(() => near.destroy()))
    far.on('error', () => far.destroy())
    near.on('error', () => near.destroy())
    near.once('close', () => far.destroy())
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  // A TCP server that listens has such an address.
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    delayAnswers(ms) {
      delayMs = ms
    },
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => {
        server.close(resolve)
      })
    },
  }
}
