import { EXIT, RefusedError, onInterrupt, runCommand } from '#lib/runtime/command.ts'
import { systemClock } from '#lib/runtime/clock.ts'
import { reportText, type LoadReport } from './load/report.ts'
import { simulate, type SimulateDeps } from './load/simulate.ts'
import { COMMAND, simulateArguments, type SimulateArguments } from './options.ts'
import { readTrace } from './replay/read-trace.ts'
import { replay } from './replay/replay.ts'
import { createApi } from './run/api.ts'
import { SCENARIOS } from './scenarios/catalogue.ts'

/** 0: every acknowledged message is accounted for; 1: not, or it could not run; 2: wrong arguments. */
async function main(args: readonly string[]): Promise<number> {
  const abort = new AbortController()
  const interrupt = onInterrupt(() => abort.abort())
  return await runCommand(COMMAND, args, async (given) => {
    const options = simulateArguments(given)
    const { key, apiUrl } = options.target
    const api = createApi({ url: apiUrl, key })
    const deps = { api, clock: systemClock, signal: abort.signal, print: printError }
    const report = await run(options, deps)
    const code = interrupt.isInterrupted ? EXIT.interrupted : report.addsUp ? 0 : EXIT.failed
    return { text: reportText(report), json: report, code }
  })
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
