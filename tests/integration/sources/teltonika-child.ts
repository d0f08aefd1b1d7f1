import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'

/** The next message of a child process. Throws when it ends instead. */
export async function answerOf(child: ChildProcess): Promise<unknown> {
  const ended = once(child, 'exit').then(([code, signal]) => {
    throw new Error(`the intake ended with ${code ?? signal}`)
  })
  const [answer] = await Promise.race([once(child, 'message'), ended])
  return answer
}
