import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Lifecycle } from '#lib/runtime/lifecycle.ts'
import { readRunFile } from '#lib/runtime/data-dir.ts'
import { targetOf } from '../simulators/options.ts'
import { RefusedError } from '#lib/runtime/command.ts'
import { createApi } from '../simulators/run/api.ts'
import { startChild, type Child } from './demo-child.ts'
import { choosePorts } from './demo-ports.ts'
import { signInKeys } from './sign-ins.ts'

export interface DemoOptions {
  /** Folder of the program. */
  readonly root: string
  readonly dataDir: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly lifecycle: Lifecycle
  /** Standard output: the ready line of the platform, once everything acts. */
  readonly print: (line: string) => void
  /** Standard error: progress, and how to sign in. */
  readonly printError: (text: string) => void
}

/**
 * Starts the platform, seeds the testbed, and lets its devices act until the lifecycle closes. The
 * devices stop first, then the platform. Rejects when one of them ends unexpectedly.
 */
export async function runDemo(options: DemoOptions): Promise<void> {
  const { root, dataDir, env, lifecycle, print, printError } = options
  mkdirSync(dataDir, { recursive: true, mode: 0o700 })
  const { ports, remarks } = await choosePorts(env)
  for (const remark of remarks) printError(remark)
  const log = join(dataDir, 'demo.log')
  const start = (script: string, args: readonly string[]) => {
    const own = { ...env, ...ports, PADBORG_DATA_DIR: dataDir }
    const child = startChild({ root, script, args, log, env: own })
    lifecycle.onClose(script, () => child.stop())
    return child
  }
  printError(`Starting the platform on ${dataDir} (its log: ${log}).`)
  const platform = start('main.ts', [])
  const readyLine = await platform.ready
  printError('Seeding the testbed: 35 days of heat, a day of the fleet ...')
  const seeding = start('seeds/main.ts', ['seed', '--data-dir', dataDir])
  const code = await seeding.exited
  if (lifecycle.closing) return
  if (code !== 0) throw new RefusedError(`seeding ended with ${code}: ${seeding.logHint()}`)
  const fleet = start('seeds/main.ts', ['live', '--data-dir', dataDir])
  await fleet.ready
  printError(await welcome(dataDir))
  print(readyLine)
  const first = await Promise.race([nameOf(platform, 'platform'), nameOf(fleet, 'live fleet')])
  if (!lifecycle.closing) throw new RefusedError(`the ${first} ended unexpectedly; see ${log}`)
}

async function nameOf(child: Child, name: string): Promise<string> {
  return `${name} (${await child.exited})`
}

async function welcome(dataDir: string): Promise<string> {
  const target = targetOf({ 'data-dir': dataDir })
  if (Array.isArray(target)) throw new RefusedError(target.join('\n'))
  const api = createApi({ url: target.apiUrl, key: target.key })
  const keys = await signInKeys(api, join(dataDir, 'demo-keys.json'))
  const { mqtt, mqttWs } = readRunFile(dataDir)?.addresses ?? {}
  const rows = keys.map(({ role, tenant, about, key }) => {
    const owner = tenant === null ? role : `${role} of ${tenant}`
    return `  ${owner.padEnd(30)} ${key}   ${about}`
  })
  return [
    '',
    `The testbed is running. Portal  ${target.apiUrl}/`,
    `API and its documentation       ${target.apiUrl}/docs`,
    `MQTT                            ${target.mqttUrl}, WebSocket on port ${mqttWs ?? mqtt}`,
    '',
    'Sign in with one of these keys:',
    `  ${'admin'.padEnd(30)} the key in ${join(dataDir, 'admin-key')}`,
    ...rows,
    '',
    'It has faults on purpose: truck-03 of marskfragt has a clock 46 s ahead, truck-02 of',
    'hedetrans sends broken messages, truck-04 of koelexpres repeats messages, the heat meter of',
    'Tinglev was reset, and trucks north of Kliplev have no service for two minutes.',
    '',
    'Ctrl-C stops it. The data are kept: the next start continues from here.',
  ].join('\n')
}
