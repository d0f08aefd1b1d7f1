import { createServer } from 'node:net'
import { listenFailed } from './listen-failed.ts'

/**
 * Opens each port and closes it again, so that a start fails before anything is made when one is taken.
 * Throws LISTEN_FAILED. `off` and 0 (any free port) need no try.
 */
export async function tryPorts(
  host: string,
  ports: Readonly<Record<string, number | 'off'>>,
): Promise<void> {
  for (const [setting, port] of Object.entries(ports)) {
    if (port === 'off' || port === 0) continue
    try {
      await openOnce(host, port)
    } catch (error) {
      throw listenFailed(setting, { host, port }, error)
    }
  }
}

function openOnce(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve()))
  })
}
