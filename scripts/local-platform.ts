import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { readRunFile } from '#lib/runtime/data-dir.ts'
import { PlatformError, messageOf } from '#lib/runtime/errors.ts'

/** The directory of `--data-dir`, else that of the environment or `.env`, else the default. */
export function dataDirOf(given: string | undefined): string {
  if (given !== undefined) return given
  if (existsSync('.env')) process.loadEnvFile('.env')
  return process.env['PADBORG_DATA_DIR'] ?? './data'
}

export const NOT_RUNNING = Symbol('no platform is running')

/**
 * Sends a request to the platform that runs on a directory, as a tool of this machine. A run file that
 * a crash has left behind counts as no platform.
 */
export async function postLocal(
  dir: string,
  path: string,
  body?: object,
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
      method: 'POST',
      headers: {
        authorization: `Bearer ${run.token}`,
        ...(body ? { 'content-type': 'application/json' } : {}),
      },
      ...(body ? { body: JSON.stringify(body) } : {}),
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

/** Arguments of a tool for one file: `<file> [--data-dir DIR]`; or the problems with them. */
export function fileArguments(): { readonly file: string; readonly dir: string } | string[] {
  const { values, positionals } = parseArgs({
    options: { 'data-dir': { type: 'string' } },
    allowPositionals: true,
  })
  const [file, ...more] = positionals
  if (file === undefined || more.length > 0) {
    return [`expected one file, got ${positionals.length}`]
  }
  return { file, dir: dataDirOf(values['data-dir']) }
}

/** Runs a tool and returns its exit code: 2 for wrong arguments, 1 for a failure. */
export async function runTool(
  usage: string,
  work: () => Promise<string | readonly string[]>,
): Promise<number> {
  try {
    const outcome = await work()
    if (typeof outcome === 'string') {
      process.stdout.write(`${outcome}\n`)
      return 0
    }
    process.stderr.write(`${[...outcome, '', usage].join('\n')}\n`)
    return 2
  } catch (error) {
    const isWrongOption =
      error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE')
    if (!(error instanceof PlatformError) && !isWrongOption) throw error
    process.stderr.write(`${messageOf(error)}\n${isWrongOption ? `\n${usage}` : ''}`)
    return isWrongOption ? 2 : 1
  }
}
