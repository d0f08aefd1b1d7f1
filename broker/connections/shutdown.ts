import type { Connections } from './connections.ts'

/** How long sockets may take to send the last acknowledgements. */
const FLUSH_MS = 1000

/** Lets every socket send what it has, then ends it. */
export async function endAll(connections: Connections): Promise<void> {
  const ended = [...connections.all].map(
    ({ stream }) =>
      new Promise<void>((resolve) => {
        stream.once('close', resolve)
        stream.end(() => stream.destroy())
      }),
  )
  let timer: NodeJS.Timeout | null = null
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, FLUSH_MS)
  })
  await Promise.race([Promise.all(ended), late])
  if (timer) clearTimeout(timer)
  for (const { stream } of connections.all) stream.destroy()
}
