import {
  EXIT,
  RefusedError,
  UsageError,
  runCommand,
  tableOf,
  type Given,
  type Outcome,
} from '#lib/runtime/command.ts'
import { DATA_DIR_OPTION, NOT_RUNNING, dataDirOf, requestLocal } from './local-platform.ts'

const METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

const COMMAND = {
  name: 'api',
  summary: `Sends one request to the API of the platform that runs on this machine, as its administrator.
A list is shown as a table, one object as its fields.`,
  words: '<method> <path> [<JSON>]',
  options: { 'data-dir': DATA_DIR_OPTION },
  examples: [
    `POST /tenants '{"id":"acme","name":"Acme Transport"}'`,
    'GET "/readings?kind=truck&device=acme.t1"',
    'DELETE /devices/acme.t1',
  ],
} as const

async function api({ words, texts }: Given<'data-dir'>): Promise<Outcome> {
  const [method = '', path = '', body, ...more] = words
  if (!METHODS.includes(method) || !path.startsWith('/') || more.length > 0) {
    const got = words.slice(0, 3).join(' ') || 'nothing'
    throw new UsageError(
      `expected a method (${METHODS.join(', ')}), a path that begins with /, and JSON; got ${got}`,
    )
  }
  const dir = dataDirOf(texts['data-dir'])
  const answer = await requestLocal(dir, path, { method, ...(body === undefined ? {} : { body }) })
  if (answer === NOT_RUNNING) {
    throw new RefusedError(
      `${dir}: expected a platform that runs on this directory, there is none; start it with npm ` +
        'start or npm run demo, or name its directory with --data-dir',
    )
  }
  const text = await answer.text()
  const value = jsonIn(text)
  const code = answer.ok ? 0 : EXIT.failed
  return value === undefined ? { text, code } : { text: shown(value), json: value, code }
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A list as a table, an object as its fields. */
function shown(value: unknown): string {
  if (!isRecord(value)) return JSON.stringify(value)
  const { data } = value
  if (!Array.isArray(data))
    return tableOf(Object.entries(value).map(([name, one]) => [name, cell(one)]))
  if (data.length === 0) return 'no rows'
  const rows = data.filter(isRecord)
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))]
  return tableOf([names, ...rows.map((row) => names.map((name) => cell(row[name])))])
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

if (import.meta.main) process.exit(await runCommand(COMMAND, process.argv.slice(2), api))
