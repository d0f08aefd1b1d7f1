import { createServer } from 'node:net'

const PORTS = [
  ['PADBORG_MQTT_PORT', 1883],
  ['PADBORG_MQTT_WS_PORT', 1884],
  ['PADBORG_HTTP_PORT', 8080],
] as const

export interface PortChoice {
  /** Settings for the platform. */
  readonly ports: Readonly<Record<string, string>>
  /** For people. */
  readonly remarks: readonly string[]
}

/** The usual ports; any free one for a port that is taken, unless the environment names it. */
export async function choosePorts(
  env: Readonly<Record<string, string | undefined>>,
): Promise<PortChoice> {
  const ports: Record<string, string> = {}
  const remarks: string[] = []
  const host = env['PADBORG_HOST'] ?? '127.0.0.1'
  for (const [name, usual] of PORTS) {
    const given = env[name]
    if (given !== undefined && given !== '') continue
    const free = await isFree(host, usual)
    ports[name] = String(free ? usual : 0)
    if (!free) {
      remarks.push(
        `Port ${usual} is taken: a free port is used instead; set ${name} to choose one.`,
      )
    }
  }
  return { ports, remarks }
}

function isFree(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(false))
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)))
  })
}
