import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import {
  NICENESS,
  NODE_FLAGS,
  PROCESS_ENV,
  UV_THREADPOOL_SIZE,
} from '#lib/runtime/threads/process-flags.ts'
import packageFile from '../../../../../package.json' with { type: 'json' }

const ROOT = join(import.meta.dirname, '../../../../..')
const read = (path: string) => readFileSync(join(ROOT, path), 'utf8')
/** A document breaks its lines where it likes. */
const textOf = (path: string) => read(path).replaceAll(/\s+/g, ' ')
const FLAGS = NODE_FLAGS.join(' ')
const ENV = Object.entries(PROCESS_ENV).map(([name, value]) => `${name}=${value}`)

it('is what npm start gives the process', () => {
  const { start } = packageFile.scripts
  expect(start).toBe(`exec env ${ENV.join(' ')} node ${FLAGS} --import ./node-version.mjs main.ts`)
})

it('is what the image gives the process', () => {
  const dockerfile = read('Dockerfile')
  for (const variable of ENV) expect(dockerfile).toContain(` ${variable} \\\n`)
  expect(dockerfile).toContain(` NODE_OPTIONS="${FLAGS}" \\\n`)
})

it('is left alone by the compose file, whose containers run the image as it is', () => {
  expect(read('docker-compose.yml')).not.toMatch(/NODE_OPTIONS|MALLOC_|UV_THREADPOOL/)
})

it('is what the documents say', () => {
  const roles = textOf('docs/roles.md')
  for (const variable of ENV) expect(roles).toContain(`\`${variable}\` in the environment`)
  expect(roles).toContain(`\`node ${FLAGS}\``)
  const architecture = textOf('ARCHITECTURE.md')
  expect(architecture).toContain(`libuv pool (${UV_THREADPOOL_SIZE})`)
  const { ingestWorker, v8Helpers, libuvPool } = NICENESS
  expect(libuvPool).toBe(v8Helpers)
  expect(architecture).toContain(
    `niceness 0, the ingest worker ${ingestWorker}, the pool and V8's helpers ${libuvPool}`,
  )
})
