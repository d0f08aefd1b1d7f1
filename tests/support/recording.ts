import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import { gunzipSync, gzipSync } from 'node:zlib'
import { CORRECTIONS } from '../fixtures/corrections.ts'
import type { Platform } from './platform.ts'

/** Who asks: one key of each role, and one of another tenant. */
export const KEYS = ['admin', 'engineer', 'secretariat', 'operator', 'viewer', 'foreigner'] as const
export type KeyName = (typeof KEYS)[number]

export interface Result {
  readonly as: KeyName
  readonly path: string
  readonly status: number
  readonly body: unknown
}

export interface Account {
  readonly username: string
  readonly password: string
}

/** What one version of the platform answered about its data. */
export interface Recording {
  readonly commit: string
  /** The time at which the data are opened. */
  readonly nowMs: number
  readonly keys: Readonly<Record<KeyName, string>>
  /** Of devices by their full id, and of the `application` with the persistent session. */
  readonly accounts: Readonly<Record<string, Account>>
  readonly results: readonly Result[]
  /** Live events of a role after an id, up to the end of the data. */
  readonly live: readonly LiveStream[]
  /** Of the data directory whose platform was killed while messages were not yet stored. */
  readonly killed: readonly Result[]
}

/** Client id of the application whose session is kept. */
export const APPLICATION = 'planning'

export interface LiveStream {
  readonly as: KeyName
  readonly lastId: string
  readonly endId: string
  readonly events: readonly string[]
}

/** Files of a fixture. */
export const DATA = 'data.tar.gz'
export const KILLED = 'killed.tar.gz'
export const BACKUP = 'backup.tar.gz'
const RESULTS = 'results.json.gz'

export function readRecording(folder: string): Recording {
  return JSON.parse(gunzipSync(readFileSync(join(folder, RESULTS))).toString())
}

export function writeRecording(folder: string, recording: Recording): void {
  const text = JSON.stringify(recording)
  writeFileSync(join(folder, RESULTS), gzipSync(text, { level: 9 }))
}

export function packDirectory(dir: string, file: string): void {
  const anonymous = ['--owner=0', '--group=0', '--numeric-owner', '--sort=name']
  execFileSync('tar', ['-czf', file, ...anonymous, '-C', dir, '.'])
}

export function unpackDirectory(file: string, dir: string): void {
  mkdirSync(dir, { recursive: true })
  execFileSync('tar', ['-xzf', file, '-C', dir])
}

type Keys = Recording['keys']

export async function resultOf(
  platform: Platform,
  keys: Keys,
  { as, path }: Pick<Result, 'as' | 'path'>,
): Promise<Result> {
  const { status, body } = await platform.api(path, { key: keys[as] })
  return { as, path, status, body }
}

export interface Change {
  readonly recorded: Result
  readonly current: Result | undefined
}

/** The queries of a recording whose result is not the recorded one, down to the last digit, with corrections. */
export async function changesOf(
  platform: Platform,
  { keys }: Pick<Recording, 'keys'>,
  results: readonly Result[],
): Promise<readonly Change[]> {
  const changes: Change[] = []
  for (let at = 0; at < results.length; at += AT_ONCE) {
    const some = results.slice(at, at + AT_ONCE)
    const now = await Promise.all(some.map((result) => resultOf(platform, keys, result)))
    for (const [index, result] of some.entries()) {
      const recorded = withoutSentences(correctedResult(result))
      const current = withoutAdditions(
        withoutSentences(comparedResult(result, now[index])),
        recorded,
      )
      if (!isDeepStrictEqual(current, recorded)) changes.push({ recorded, current })
    }
  }
  return changes
}

/** Queries on their way together. */
const AT_ONCE = 8

/** Written for people: a version may word it better. That it is there is compared. */
const SENTENCES = new Set(['detail', 'description', 'advice', 'example'])
const SENTENCES_OF_META = new Set(['aggregation', 'coverageOf', 'uncertaintyOf', 'method'])

function withoutSentences<T>(value: T, isMeta = false): T {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map((one) => withoutSentences(one)) as T
  const entries = Object.entries(value).map(([name, part]) => {
    const isSentence = SENTENCES.has(name) || (isMeta && SENTENCES_OF_META.has(name))
    return [name, isSentence ? typeof part : withoutSentences(part, name === 'meta')]
  })
  return Object.fromEntries(entries) as T
}

/** Of a result as it is now, what corrections leave to compare. */
function comparedResult(recorded: Result, now: Result | undefined): Result | undefined {
  if (!now) return now
  const corrections = CORRECTIONS.filter((correction) => correction.concerns(recorded))
  const body = corrections.reduce<unknown>((one, { compared }) => compared?.(one) ?? one, now.body)
  return { ...now, body }
}

function correctedResult(result: Result): Result {
  const corrections = CORRECTIONS.filter((correction) => correction.concerns(result))
  const body = corrections.reduce<unknown>((now, one) => one.corrected(now, result), result.body)
  return { ...result, body }
}

/** A version may have more kinds, and more fields in its JSON; those recorded stay. */
function withoutAdditions(current: Result | undefined, recorded: Result): Result | undefined {
  if (!current) return current
  if (current.path !== '/kinds') return onlyKnown(current, recorded) as Result
  const kinds = new Set(kindsIn(recorded.body).map(({ name }) => name))
  const data = kindsIn(current.body).filter(({ name }) => kinds.has(name))
  return onlyKnown({ ...current, body: { ...Object(current.body), data } }, recorded) as Result
}

function onlyKnown(current: unknown, recorded: unknown): unknown {
  if (Array.isArray(current) && Array.isArray(recorded)) {
    return current.map((part, index) => onlyKnown(part, recorded[index]))
  }
  if (!isObject(current) || !isObject(recorded)) return current
  const known = Object.entries(current).filter(([name]) => Object.hasOwn(recorded, name))
  return Object.fromEntries(known.map(([name, part]) => [name, onlyKnown(part, recorded[name])]))
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const kindsIn = (body: unknown) => (body as { data: readonly { name: string }[] }).data

/** A stream that has not come to its end by then never does. */
const STREAM_MS = 20_000
const HEARTBEAT = /^: heartbeat\nid: (.*)$/

/** Live events after an id up to another one; without ids, none: the end of the stream now. */
export async function liveEvents(
  platform: Platform,
  key: string,
  { lastId, endId }: { readonly lastId?: string; readonly endId?: string } = {},
): Promise<{ readonly endId: string; readonly events: readonly string[] }> {
  const headers = {
    authorization: `Bearer ${key}`,
    ...(lastId === undefined ? {} : { 'last-event-id': lastId }),
  }
  const address = `http://127.0.0.1:${platform.ready.http}/api/v1/live`
  const { body } = await fetch(address, { headers, signal: AbortSignal.timeout(STREAM_MS) })
  if (!body) throw new Error('expected a stream of events')
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of body) {
    text += decoder.decode(chunk, { stream: true })
    const blocks = text.split('\n\n')
    const ids = blocks.flatMap((block) => HEARTBEAT.exec(block)?.[1] ?? [])
    const reached = ids.find((id) => endId === undefined || id === endId)
    if (reached === undefined) continue
    const events = blocks.filter((block) => block.startsWith('event: '))
    return { endId: reached, events }
  }
  throw new Error(`the stream ended before ${endId}: ${text.slice(-500)}`)
}
