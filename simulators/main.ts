import { systemClock } from '#lib/runtime/clock.ts'
import { reportText, type LoadReport } from './load/report.ts'
import { simulate, type SimulateDeps } from './load/simulate.ts'
import { USAGE, readArguments, type SimulateArguments } from './options.ts'
import { readTrace } from './replay/read-trace.ts'
import { replay } from './replay/replay.ts'
import { RefusedError, createApi } from './run/api.ts'
import { SCENARIOS } from './scenarios/catalogue.ts'

/** 0: every acknowledged message is accounted for; 1: not; 2: it could not run. */
async function main(args: readonly string[]): Promise<number> {
  const options = readArguments(args)
  if (Array.isArray(options)) {
    const names = SCENARIOS.map(({ name, about }) => `  ${name.padEnd(14)}  ${about}`)
    printError([...options, '', USAGE, 'Scenarios:', ...names].join('\n'))
    return 2
  }
  const { key, apiUrl } = options.target
  const abort = new AbortController()
  process.once('SIGINT', () => abort.abort())
  process.once('SIGTERM', () => abort.abort())
  const api = createApi({ url: apiUrl, key })
  try {
    const report = await run(options, {
      api,
      clock: systemClock,
      signal: abort.signal,
      print: printError,
    })
    process.stdout.write(reportText(report))
    return report.addsUp ? 0 : 1
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error
    printError(error.message)
    return 2
  }
}

async function run(options: SimulateArguments, deps: SimulateDeps): Promise<LoadReport> {
  const { target, tenant, scenario: name } = options
  const { mqttUrl } = target
  const mark = options.mark ?? `sim-${(deps.clock.nowNs() / 1_000_000n).toString(36)}`
  if (name === 'replay') {
    const trace = readTrace(options.trace ?? '')
    const id = `${mark}-${trace.format.name}`
    return await replay({ ...options, trace, mqttUrl, tenant, id }, deps)
  }
  const scenario = SCENARIOS.find((one) => one.name === name)
  if (!scenario) {
    const names = SCENARIOS.map((one) => one.name).join(', ')
    throw new RefusedError(`${name}: expected one of ${names}, replay`)
  }
  return await simulate({ ...options, scenario, mqttUrl, mark }, deps)
}

function printError(line: string): void {
  process.stderr.write(`${line}\n`)
}

if (import.meta.main) process.exit(await main(process.argv.slice(2)))
