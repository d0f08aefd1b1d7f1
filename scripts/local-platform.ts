import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { UsageError } from '#lib/runtime/command.ts'
import { readRunFile } from '#lib/runtime/data-dir.ts'
import { PlatformError, messageOf } from '#lib/runtime/errors.ts'

/**
 * The directory of `--data-dir`, else that of the environment or `.env`, else the default, or the
 * demo's while only that one runs.
 */
export function dataDirOf(given: string | undefined): string {
  if (given !== undefined) return given
  if (existsSync('.env')) process.loadEnvFile('.env')
  const named = process.env['PADBORG_DATA_DIR']
  if (named !== undefined && named !== '') return named
  return readRunFile('./data') === null && readRunFile('./data-demo') !== null
    ? './data-demo'
    : './data'
}

export const NOT_RUNNING = Symbol('no platform is running')

export interface LocalRequest {
  readonly method?: string
  /** JSON. */
  readonly body?: string
}

/**
 * Sends a request to the platform that runs on a directory, as a tool of this machine. A run file that
 * a crash has left behind counts as no platform.
 */
export async function requestLocal(
  dir: string,
  path: string,
  { method = 'POST', body }: LocalRequest = {},
): Promise<Response | typeof NOT_RUNNING> {
  // With the roles apart the API has a run file of its own below the intake's.
  const runs = [dir, join(dir, 'api')].map(readRunFile).filter((one) => one !== null)
  const run = runs.find(({ addresses }) => addresses['http'] !== undefined) ?? runs[0]
  if (!run) return NOT_RUNNING
  const { http } = run.addresses
  if (http === undefined) {
    throw new PlatformError(
      'CONFIG_INVALID',
      `the platform on ${dir} (pid ${run.pid}) has no HTTP listener; start it with ` +
        'PADBORG_HTTP_PORT set to a port, start an api role on it, or stop it first',
    )
  }
  const host = process.env['PADBORG_HOST'] ?? '127.0.0.1'
  const reachable = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host
  try {
    return await fetch(`http://${reachable}:${http}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${run.token}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body }),
    })
  } catch (error) {
    const cause = error instanceof Error ? error.cause : null
    const code = cause instanceof Error && 'code' in cause ? cause.code : ''
    if (code === 'ECONNREFUSED') return NOT_RUNNING
    throw new PlatformError(
      'LOCAL_UNREACHABLE',
      `the platform on ${dir} (pid ${run.pid}) does not answer: ${messageOf(cause ?? error)}`,
      { cause: error },
    )
  }
}

/** The reason of a refusal: the detail of its problem document. */
export async function refusalReason(response: Response): Promise<string> {
  const text = await response.text()
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value && 'detail' in value) return String(value.detail)
  } catch {
    // Not a problem document: its text is shown.
  }
  return `${response.status} ${text.slice(0, 200)}`
}

/** The option that every tool of a data directory has. */
export const DATA_DIR_OPTION = {
  value: 'DIR',
  about: 'the data directory; else PADBORG_DATA_DIR, else ./data, else ./data-demo while it runs',
} as const

/** The one file that a tool is given. */
export function oneFile(words: readonly string[]): string {
  const [file, ...more] = words
  if (file !== undefined && more.length === 0) return file
  throw new UsageError(`expected one file, got ${words.length}`)
}
