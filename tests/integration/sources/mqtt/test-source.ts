import type { NewDevice, Registry } from '#lib/registry/registry.ts'
import { createDirectory } from '#lib/registry/topics/directory.ts'
import { systemClock } from '#lib/runtime/clock.ts'
import { createMetrics } from '#lib/runtime/metrics.ts'
import { MqttSource } from '../../../../ingest/sources/mqtt/mqtt-source.ts'
import type { MqttSourceOptions } from '../../../../ingest/sources/mqtt/options.ts'
import { createTestLog, type LogLine } from '../../../support/log-lines.ts'
import { metricValue } from '../../../support/metric-value.ts'
import { temporaryDir } from '../../../support/platform.ts'
import { registerDevice, registryIn } from '../../../support/registry-in.ts'
import { TestIntake } from '../../../support/test-intake.ts'
import { waitFor } from '../../../support/wait-for.ts'

type SourceOptions = Partial<MqttSourceOptions> & { readonly url: string }

/** A source with a real registry and an intake that makes messages durable when the test says so. */
export class TestSource {
  readonly log: LogLine[] = []
  readonly registry: Registry
  readonly #options: SourceOptions
  readonly #dir = temporaryDir('source')
  readonly #logger = createTestLog(this.log)
  readonly #metrics = createMetrics()
  #intake = new TestIntake()
  #source: MqttSource

  constructor(options: SourceOptions) {
    this.#options = options
    this.registry = registryIn(this.#dir.path, this.#logger)
    this.#source = this.#open()
  }

  get source(): MqttSource {
    return this.#source
  }

  get intake(): TestIntake {
    return this.#intake
  }

  /** Whether a line of the log holds the text. */
  logged(text: string): boolean {
    return this.log.some((line) => line.text.includes(text))
  }

  metric(name: string): Promise<number> {
    return metricValue(this.#metrics, name)
  }

  device(id: string, more: Partial<NewDevice> = {}): void {
    registerDevice(this.registry, id, more)
  }

  /** Starts the source; it is connected and subscribed then. */
  async subscribed(): Promise<void> {
    await this.#source.start()
    await waitFor(() => this.#source.status().filters > 0, {
      what: `a subscription (${this.#source.status().problem})`,
    })
  }

  /** A new source of the same data directory, as after a restart. */
  async again(): Promise<void> {
    await this.#source.close()
    this.#intake = new TestIntake()
    this.#source = this.#open()
  }

  async close(): Promise<void> {
    this.#intake.commit()
    await this.#source.close()
    this.registry.close()
    this.#dir.remove()
  }

  #open(): MqttSource {
    const defaults = { share: null, topics: null, maxPacketBytes: 64 * 1024 }
    return new MqttSource(
      {
        ...defaults,
        dataDir: this.#dir.path,
        firstPauseMs: 20,
        maxPauseMs: 200,
        ...this.#options,
      },
      {
        intake: this.#intake,
        registry: this.registry,
        directory: createDirectory(this.registry),
        metrics: this.#metrics,
        clock: systemClock,
        log: this.#logger,
      },
    )
  }
}
