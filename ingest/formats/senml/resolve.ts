import { parseDeviceTime } from '#lib/telemetry/time.ts'
import { isRecord, type Problem, type Values } from '../payload/problem.ts'
import { describe, show } from '../payload/reason.ts'

/**
 * A record with all base fields applied (RFC 8428, section 4.6); its time may be relative still.
 */
export interface Resolved {
  /** Index in the pack. */
  readonly elementIndex: number
  readonly name: string
  readonly unit: string | null
  /** Unix ns, or ns from now where `isRelative`. */
  readonly timeNs: bigint
  readonly isRelative: boolean
  readonly label: 'v' | 'vs' | 'vb' | 'vd'
  readonly value: unknown
}

interface Base {
  readonly bn: string
  readonly bt: bigint
  readonly bu: string | null
  readonly bv: number
}

const NO_BASE: Base = { bn: '', bt: 0n, bu: null, bv: 0 }

/** The version of RFC 8428, also where none is given. */
const VERSION = 10

/**
 * The values of a pack, or the problem for which it must not be processed. Base fields hold for
 * their record and all after it, so a fault in one record is a fault of the pack.
 */
export function resolvePack(pack: unknown): readonly Resolved[] | Problem {
  if (!Array.isArray(pack)) return problem([], 'a pack: an array of records', describe(pack))
  if (pack.length === 0) return problem([], 'at least one record', 'an empty array')
  const records: Resolved[] = []
  let base = NO_BASE
  let version: number | null = null
  for (const [elementIndex, record] of (pack as readonly unknown[]).entries()) {
    if (!isRecord(record)) return problem([elementIndex], 'a record: an object', describe(record))
    const broken = brokenLabel(record, elementIndex) ?? brokenVersion(record, elementIndex, version)
    if (broken) return broken
    version ??= Number(record['bver'] ?? VERSION)
    base = baseWith(base, record)
    const resolved = resolve(record, elementIndex, base)
    if (resolved === null) continue
    if ('expected' in resolved) return resolved
    records.push(resolved)
  }
  return records
}

const isText = (value: unknown) => typeof value === 'string'
const isNumber = (value: unknown) => Number.isFinite(value)
const BASE64URL = /^[A-Za-z0-9_-]*$/

/** Labels and their types; in CBOR data are bytes. */
const LABELS: Readonly<
  Record<string, readonly [type: string, isTyped: (value: unknown) => boolean]>
> = {
  bn: ['text', isText],
  bt: ['number', isNumber],
  bu: ['text', isText],
  bv: ['number', isNumber],
  bs: ['number', isNumber],
  bver: ['a whole number above zero', (value) => Number.isInteger(value) && Number(value) > 0],
  n: ['text', isText],
  u: ['text', isText],
  v: ['number', isNumber],
  vs: ['text', isText],
  vb: ['true or false', (value) => typeof value === 'boolean'],
  vd: ['base64url without padding', isData],
  s: ['number', isNumber],
  t: ['number', isNumber],
  ut: ['number', isNumber],
}

function isData(value: unknown): boolean {
  if (value instanceof Uint8Array) return true
  return typeof value === 'string' && BASE64URL.test(value) && value.length % 4 !== 1
}

function brokenLabel(record: Values, elementIndex: number): Problem | null {
  for (const [name, value] of Object.entries(record)) {
    const known = Object.hasOwn(LABELS, name) ? LABELS[name] : undefined
    if (known) {
      const [type, isTyped] = known
      if (!isTyped(value)) return problem([elementIndex, name], type, gotOf(value))
    } else if (name.endsWith('_')) {
      return problem([elementIndex, name], 'labels that this platform understands', 'one it must')
    }
  }
  return null
}

function gotOf(value: unknown): string {
  return value instanceof Uint8Array ? 'bytes' : show(value)
}

/** One version for the whole pack, and none newer than ours. */
function brokenVersion(
  record: Values,
  elementIndex: number,
  version: number | null,
): Problem | null {
  const { bver } = record
  if (bver === undefined) return null
  if (Number(bver) > VERSION)
    return problem([elementIndex, 'bver'], `at most ${VERSION}`, show(bver))
  if (version === null || version === bver) return null
  return problem([elementIndex, 'bver'], `${version}, as in the records before`, show(bver))
}

function baseWith(base: Base, { bn, bt, bu, bv }: Values): Base {
  // `brokenLabel` has checked their types.
  return {
    bn: typeof bn === 'string' ? bn : base.bn,
    bt: bt === undefined ? base.bt : nsOf(Number(bt)),
    bu: typeof bu === 'string' ? bu : base.bu,
    bv: bv === undefined ? base.bv : Number(bv),
  }
}

const VALUE_LABELS = ['v', 'vs', 'vb', 'vd'] as const
const BASE_LABELS = ['bn', 'bt', 'bu', 'bv', 'bs', 'bver']
const NAME = /^[A-Za-z0-9][A-Za-z0-9\-:./_]*$/
const MAX_NAME_LENGTH = 256

/** Null for a record that only sets base fields, or a sum. */
function resolve(record: Values, elementIndex: number, base: Base): Resolved | Problem | null {
  const labels = VALUE_LABELS.filter((name) => record[name] !== undefined)
  const [label, second] = labels
  if (second !== undefined) {
    return problem([elementIndex], 'one value: v, vs, vb or vd', labels.join(' and '))
  }
  const { n = '', u = base.bu } = record
  const name = `${base.bn}${typeof n === 'string' ? n : ''}`
  const isBaseAlone = !('n' in record) && BASE_LABELS.some((known) => record[known] !== undefined)
  if (label === undefined && isBaseAlone && record['s'] === undefined) return null
  if (name.length > MAX_NAME_LENGTH || !NAME.test(name)) {
    const expected = 'a name of A-Z a-z 0-9 - : . / _ that begins with a letter or a digit'
    return problem([elementIndex, 'n'], expected, name === '' ? 'no name' : show(name))
  }
  if (label === undefined) {
    return record['s'] === undefined
      ? problem([elementIndex], 'one value: v, vs, vb or vd', 'none')
      : null
  }
  const timeNs = clamp(base.bt + nsOf(Number(record['t'] ?? 0)))
  const value = label === 'v' ? base.bv + Number(record['v']) : record[label]
  const unit = typeof u === 'string' ? u : null
  return { elementIndex, name, unit, timeNs, isRelative: timeNs < RELATIVE_BELOW_NS, label, value }
}

/** Times below 2^28 s are relative to now, negative ones in the past (RFC 8428, section 4.5.3). */
const RELATIVE_BELOW_NS = 268_435_456_000_000_000n
const MAX_NS = 9_223_372_036_854_775_807n
const MIN_NS = -9_223_372_036_854_775_808n
/** `parseDeviceTime` takes larger numbers for milliseconds. */
const MAX_SECONDS = 1e11

function nsOf(seconds: number): bigint {
  if (!(Math.abs(seconds) < MAX_SECONDS)) return seconds < 0 ? MIN_NS : MAX_NS
  const ns = parseDeviceTime(seconds)
  return typeof ns === 'bigint' ? ns : 0n
}

function clamp(ns: bigint): bigint {
  if (ns > MAX_NS) return MAX_NS
  return ns < MIN_NS ? MIN_NS : ns
}

function problem(path: Problem['path'], expected: string, got: string): Problem {
  return { path, expected, got }
}
