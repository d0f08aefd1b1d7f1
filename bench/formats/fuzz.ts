import { parseArgs } from 'node:util'
import { createRandom } from '#lib/runtime/random.ts'
import { faultOf } from '../../tests/support/formats-fuzz-faults.ts'
import { DEPTH, mutated, readCases } from '../../tests/support/formats-fuzz-inputs.ts'
import { round } from '../machine.ts'

/*
 * Mutated cases through all formats; the first faults are printed.
 *   node bench/formats/fuzz.ts [--inputs 1000000] [--seed 1] [--deep 20000]
 */
const { values: options } = parseArgs({
  options: {
    inputs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    deep: { type: 'string', default: String(DEPTH.most) },
  },
})

DEPTH.most = Number(options.deep)
const figures = fuzz(Number(options.inputs), Number(options.seed))
process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`)

function fuzz(inputs: number, seed: number) {
  const cases = readCases()
  const random = createRandom(seed)
  const firstFaults: string[] = []
  let faults = 0
  let slowest = { ms: 0, format: '', bytes: 0 }
  const begun = performance.now()
  for (let n = 0; n < inputs; n += 1) {
    const input = mutated(cases, random)
    const before = performance.now()
    const fault = faultOf(input)
    const ms = performance.now() - before
    if (ms > slowest.ms) slowest = { ms, format: input.format, bytes: input.payload.length }
    if (fault === null) continue
    faults += 1
    if (firstFaults.length < 10) firstFaults.push(`${n}: ${fault}`)
  }
  const seconds = round((performance.now() - begun) / 1000, 1)
  return { inputs, seed, seconds, slowest, faults, faultsExpected: 0, firstFaults }
}
