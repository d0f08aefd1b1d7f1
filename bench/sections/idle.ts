import type { BenchContext } from '../context.ts'
import { pidArguments } from '../load/generator.ts'
import { plainAedes } from '../subjects/plain-aedes.ts'
import { product } from '../subjects/product.ts'
import type { Subject } from '../subjects/subject.ts'
import type { Section } from './section.ts'

const CONNECTIONS = 10_000
const HOLD_S = 10

export const idle: Section = {
  name: 'idle',
  summary: `memory and CPU of ${CONNECTIONS} idle connections, beside plain Aedes`,
  needsLoad: true,
  async run(context) {
    const { options, freshDir, report } = context
    const rows: unknown[] = []
    for (const start of [
      () => product({ dir: freshDir() }),
      () => plainAedes(options.tools ?? '', freshDir()),
    ]) {
      const subject = await start()
      try {
        rows.push({ subject: subject.name, ...holdConnections(context, subject) })
      } finally {
        await subject.stop()
      }
      report(rows.at(-1))
    }
    return rows
  },
}

function holdConnections({ generator }: BenchContext, subject: Subject): object {
  // One account may hold many connections; client ids differ.
  const { probe } = subject
  const account = probe ? ['--user', probe.username ?? '', '--pass', probe.password ?? ''] : []
  const port = subject.load.slice(0, 2)
  const noLoad = ['--clients', '0', '--duration', '0']
  const connections = ['--idle', String(CONNECTIONS), '--hold', String(HOLD_S), '--src-spread', '4']
  const args = [...port, ...account, ...noLoad, ...connections, ...pidArguments(subject)]
  return JSON.parse(generator.run(args))
}
