/*
 * How Grafana fills in an InfluxQL query before it sends it, for the parts that our boards use.
 *
 * Variables first, in the browser: `TemplateSrv.replace` (public/app/features/templating) with the
 * formats of the scenes library (formatRegistry: `regex`, `raw`). A custom "All" value goes in as it
 * is; without one, "All" is the list of all options. Unknown names stay. Then the macros, in the
 * back end: `Query.Build` (pkg/tsdb/influxdb/models/query.go) with `gtime.FormatInterval`.
 */

export type Choice = string | readonly string[]

export interface Variable {
  readonly value: Choice
  /** Stands for "All" where it is chosen. */
  readonly allValue?: string
}

export type Variables = Readonly<Record<string, Variable>>

export interface Span {
  readonly fromMs: number
  readonly toMs: number
}

/** The chosen value of a variable when it is "All". */
export const ALL = '$__all'

const VARIABLE = /\$(\w+)|\[\[(\w+?)(?::(\w+))?\]\]|\$\{(\w+)(?:\.([^:^}]+))?(?::([^}]+))?\}/g

/** Variables that Grafana's back end fills in, and that the browser leaves. */
const MACROS: ReadonlySet<string> = new Set([
  'timeFilter',
  '__interval',
  '__interval_ms',
  'interval',
])

export function withVariables(text: string, variables: Variables): string {
  return text.replaceAll(VARIABLE, (match, ...groups: (string | undefined)[]) => {
    const [plain, bracketed, bracketFormat, braced, , bracedFormat] = groups
    const name = plain ?? bracketed ?? braced ?? ''
    if (MACROS.has(name)) return match
    const variable = variables[name]
    if (!variable) return match
    return formatted(variable, bracedFormat ?? bracketFormat, match)
  })
}

function formatted({ value, allValue }: Variable, format: string | undefined, use: string): string {
  if (value === ALL && allValue !== undefined) return allValue
  if (value === ALL) throw new Error(`${use}: give the list of options for "All"`)
  switch (format) {
    case 'regex':
      return regexOf(value)
    case 'raw':
      return String(value)
    default:
      // Without a format the versions of Grafana differ; our boards always name one.
      throw new Error(`${use} names no format`)
  }
}

function regexOf(value: Choice): string {
  const values = (typeof value === 'string' ? [value] : value).map((one) =>
    one.replaceAll(/[\\^$*+?.()|[\]{}/]/g, String.raw`\$&`),
  )
  return values.length === 1 ? String(values[0]) : `(${values.join('|')})`
}

export function withMacros(text: string, { fromMs, toMs }: Span, intervalMs: number): string {
  const interval = intervalText(intervalMs)
  return text
    .replaceAll('$timeFilter', () => `time >= ${fromMs}ms and time <= ${toMs}ms`)
    .replaceAll('$interval', () => interval)
    .replaceAll('$__interval_ms', () => String(intervalMs))
    .replaceAll('$__interval', () => interval)
}

const UNITS = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'm'],
  [1000, 's'],
] as const

function intervalText(intervalMs: number): string {
  for (const [unitMs, unit] of UNITS) {
    if (intervalMs >= unitMs) return `${Math.floor(intervalMs / unitMs)}${unit}`
  }
  return `${intervalMs}ms`
}
