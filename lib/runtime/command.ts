import { parseArgs } from 'node:util'
import { PlatformError, messageOf } from './errors.ts'

/** An option of a command. A `value` is the word for it in the help; without one it is a switch. */
export interface Option {
  readonly value?: string
  readonly about: string
  readonly default?: string
}

/** What a command is called and takes. */
export interface Command<Name extends string = string> {
  /** After `npm run`. */
  readonly name: string
  readonly summary: string
  /** Words before the options, such as `<file>`. */
  readonly words?: string
  readonly options: Readonly<Record<Name, Option>>
  /** What follows `npm run <name> -- `, one line each. */
  readonly examples: readonly string[]
  /** More for the help, such as lists of names. */
  readonly notes?: () => string
}

/** What was given: texts of options with a value, true for switches, undefined where left out. */
export interface Given<Name extends string> {
  readonly texts: Readonly<Partial<Record<Name, string>>>
  readonly switches: ReadonlySet<Name>
  readonly words: readonly string[]
}

export interface Outcome {
  /** A line or a table for people; not printed with --json. */
  readonly text?: string
  /** What --json prints instead. */
  readonly json?: unknown
  /** 0 where it is left out. */
  readonly code?: number
}

/** Wrong arguments, one line each: exit code 2. */
export class UsageError extends Error {
  constructor(...problems: readonly string[]) {
    super(problems.join('\n'))
  }
}

export const EXIT = { failed: 1, usage: 2, interrupted: 130 } as const

/**
 * Runs a command: `--help` prints how to use it, what is unknown or wrong ends with 2 and a hint, a
 * failure with 1 and its reason, Ctrl-C with 130. Resolves with the exit code.
 */
export async function runCommand<Name extends string>(
  command: Command<Name>,
  args: readonly string[],
  work: (given: Given<Name>) => Outcome | Promise<Outcome>,
): Promise<number> {
  try {
    if (args.includes('--help') || args.includes('-h')) {
      process.stdout.write(helpOf(command))
      return 0
    }
    const { given, asJson } = readGiven(command, args)
    const { text, json, code = 0 } = await work(given)
    if (asJson && json !== undefined) process.stdout.write(`${JSON.stringify(json)}\n`)
    else if (text !== undefined) process.stdout.write(`${text.trimEnd()}\n`)
    return code
  } catch (error) {
    return failed(command, error)
  }
}

/** Calls `stop` at the first Ctrl-C or SIGTERM; says whether it was Ctrl-C. */
export function onInterrupt(stop: () => void): { readonly isInterrupted: boolean } {
  const state = { isInterrupted: false }
  process.once('SIGINT', () => {
    state.isInterrupted = true
    stop()
  })
  process.once('SIGTERM', stop)
  return state
}

/** What was needed is not there or was refused; the message is for the person at the keyboard. */
export class RefusedError extends Error {}

function failed({ name }: Command, error: unknown): number {
  if (error instanceof UsageError) {
    process.stderr.write(`${error.message}\nSee npm run ${name} -- --help.\n`)
    return EXIT.usage
  }
  if (!(error instanceof PlatformError) && !(error instanceof RefusedError)) throw error
  process.stderr.write(`${messageOf(error)}\n`)
  return EXIT.failed
}

interface Read<Name extends string> {
  readonly given: Given<Name>
  readonly asJson: boolean
}

/** Throws UsageError. */
export function readGiven<Name extends string>(
  { options, words = '' }: Command<Name>,
  args: readonly string[],
): Read<Name> {
  const names = Object.entries<Option>(options)
  const own = names.map(([name, { value }]) => {
    const type = value === undefined ? ('boolean' as const) : ('string' as const)
    return [name, { type }] as const
  })
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { json: { type: 'boolean' }, ...Object.fromEntries(own) },
      allowPositionals: words !== '',
    })
    const found: Readonly<Record<string, string | boolean | undefined>> = values
    const texts = Object.fromEntries(
      names.flatMap(([name, option]) => {
        const text = found[name] ?? option.default
        return typeof text === 'string' ? [[name, text]] : []
      }),
    )
    const switches = names.map(([name]) => name).filter((name) => found[name] === true)
    return {
      // The names are those of the options.
      given: {
        texts: texts as Given<Name>['texts'],
        switches: new Set(switches as Name[]),
        words: positionals,
      },
      asJson: found['json'] === true,
    }
  } catch (error) {
    throw new UsageError(messageOf(error))
  }
}

function helpOf({ name, summary, words = '', options, examples, notes }: Command): string {
  const shown: Readonly<Record<string, Option>> = {
    ...options,
    json: options['json'] ?? { about: 'the result as JSON, for programs' },
    help: { about: 'this text' },
  }
  const rows = Object.entries(shown).map(([option, { value = '', about, default: usual }]) => [
    `--${option} ${value}`.trimEnd(),
    usual === undefined ? about : `${about} (${usual})`,
  ])
  const width = Math.max(...rows.map(([first = '']) => first.length))
  const usage = ['npm run', name, '--', words, '[options]'].filter((word) => word !== '').join(' ')
  const parts = [
    `${usage}\n\n${summary}`,
    `Options:\n${rows.map(([first = '', about]) => `  ${first.padEnd(width)}  ${about}`).join('\n')}`,
    ...(notes ? [notes()] : []),
    `Examples:\n${examples.map((line) => `  npm run ${name} -- ${line}`.trimEnd()).join('\n')}`,
  ]
  return `${parts.join('\n\n')}\n`
}

/** Rows with a heading as a table for people. */
export function tableOf(rows: readonly (readonly (string | number)[])[]): string {
  const texts = rows.map((row) => row.map(String))
  const widths = (texts[0] ?? []).map((_, at) =>
    Math.max(...texts.map((row) => (row[at] ?? '').length)),
  )
  return texts
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
