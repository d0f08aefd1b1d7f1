import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/** The programs of intakes, each with one source. They send a message when they run. */
export type IntakeProgram =
  | 'mqtt/mqtt-process'
  | 'rfms/rfms-process'
  | 'teltonika/teltonika-process'

/** An ingest role in a process of its own, so that a test can kill it. */
export class ChildIntake {
  readonly #child: ChildProcess
  readonly #ended: Promise<never>
  #log = ''
  #first: unknown = null

  private constructor(child: ChildProcess) {
    this.#child = child
    child.stderr?.on('data', (bytes: Buffer) => (this.#log += bytes.toString()))
    this.#ended = once(child, 'exit').then(([code, signal]) => {
      throw new Error(`the intake ended with ${code ?? signal}: ${this.#log}`)
    })
    // It is handled by whoever waits for a message.
    this.#ended.catch(() => undefined)
  }

  /** The program runs when this resolves; `options` are its argument. */
  static async start(program: IntakeProgram, options: object): Promise<ChildIntake> {
    const path = fileURLToPath(new URL(`./${program}.ts`, import.meta.url))
    const child = fork(path, [JSON.stringify(options)], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      execArgv: [],
    })
    const intake = new ChildIntake(child)
    intake.#first = await intake.#nextMessage()
    return intake
  }

  /** What the program sent first. */
  get first(): unknown {
    return this.#first
  }

  /** The program answers each request with one message, whose type its file states. */
  async request<T>(request: string): Promise<T> {
    const message = this.#nextMessage()
    this.#child.send(request)
    return (await message) as T
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#ended.catch(() => undefined)
  }

  /** Throws when the process ends instead. */
  #nextMessage(): Promise<unknown> {
    const message = new Promise((resolve) => this.#child.once('message', resolve))
    return Promise.race([message, this.#ended])
  }
}
