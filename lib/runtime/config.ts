import type { z } from 'zod'
import { PlatformError } from './errors.ts'
import { contradictions } from './settings/contradictions.ts'
import { PLATFORM } from './settings/platform-settings.ts'
import { SECTIONS, SETTINGS, type Config, type PartialConfig } from './settings/sections.ts'
import type { Section, Setting } from './settings/setting.ts'
import { suggestName } from './suggest-name.ts'

type Environment = Readonly<Record<string, string | undefined>>

export interface ConfigProblem {
  readonly setting: string
  readonly value: string
  readonly problem: string
}

/**
 * Reads the settings from an environment; a problem per faulty setting, all at once. Settings that
 * contradict each other are problems too.
 */
export function readConfig(env: Environment): {
  readonly config: Config | null
  readonly problems: readonly ConfigProblem[]
} {
  const problems = unknownNames(env)
  const sections = Object.entries<Section>(SECTIONS).map(
    ([name, section]) => [name, readSection(section, env, problems)] as const,
  )
  // Each value comes from the schema of its own setting; those that are wrong are left out.
  const config = Object.fromEntries(sections) as PartialConfig
  const faulty = new Set(problems.map((problem) => problem.setting))
  for (const { setting, problem } of contradictions(config)) {
    // A setting that is wrong is not also missing.
    if (!faulty.has(setting.name)) problems.push(problemOf(setting, env, problem))
  }
  return problems.length > 0
    ? { config: null, problems }
    : { config: config as Config, problems: [] }
}

/** Throws CONFIG_INVALID with one line per problem. */
export function requireConfig(env: Environment): Config {
  const { config, problems } = readConfig(env)
  if (config) return config
  throw new PlatformError('CONFIG_INVALID', problems.map(problemLine).join('\n'))
}

export function problemLine({ setting: name, value, problem }: ConfigProblem): string {
  return `${name}=${value}: ${problem}`
}

/** The text of `.env.example`: every setting with its default and its sentence. */
export function exampleEnvironment(): string {
  const lines = ['# Every setting, with its default. Copy to .env and change what you need.', '']
  for (const { name, fallback, about } of Object.values(SETTINGS)) {
    if (name === PLATFORM.fault.name) continue
    lines.push(`# ${about}`, `# ${name}=${fallback ?? ''}`, '')
  }
  return lines.join('\n')
}

function readSection(section: Section, env: Environment, problems: ConfigProblem[]): object {
  const values: Record<string, unknown> = {}
  for (const [key, setting] of Object.entries(section)) {
    const parsed = setting.schema.safeParse(textOf(setting, env))
    if (parsed.success) values[key] = parsed.data
    else problems.push(problemOf(setting, env, explain(parsed.error)))
  }
  return values
}

/** An empty variable counts as one that is not set. */
function textOf({ name, fallback }: Setting, env: Environment): string | undefined {
  return env[name] || fallback
}

const PREFIX = 'PADBORG_'
/** A misspelt name must not bring a secret into the log. */
const SOUNDS_SECRET = /KEY|SECRET|TOKEN|PASS/i
const MAX_SHOWN = 80

function unknownNames(env: Environment): ConfigProblem[] {
  return Object.keys(env)
    .filter((name) => name.startsWith(PREFIX) && !Object.hasOwn(SETTINGS, name))
    .map((name) => {
      const meant = suggestName(name, Object.keys(SETTINGS), PREFIX)
      const hint = meant === null ? '' : `, did you mean ${meant}?`
      const problem = `there is no such setting${hint}; .env.example lists them all`
      const value = shownValue(env[name], SOUNDS_SECRET.test(name))
      return { setting: name, value, problem }
    })
}

function problemOf(setting: Setting, env: Environment, problem: string): ConfigProblem {
  const value = shownValue(textOf(setting, env), setting.secret)
  return { setting: setting.name, value, problem }
}

/** One line, whatever the value holds. */
function shownValue(value: string | undefined, isSecret: boolean): string {
  if (isSecret && value) return '(secret)'
  const line = (value ?? '').replaceAll(/\p{Cc}/gu, '\uFFFD')
  return line.length > MAX_SHOWN ? `${line.slice(0, MAX_SHOWN)}...` : line
}

function explain(error: z.ZodError): string {
  return error.issues.map(({ message }) => message).join(', and ')
}
