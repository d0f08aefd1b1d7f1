import { existsSync, readFileSync } from 'node:fs'
import { parseEnv } from 'node:util'
import { UsageError } from '#lib/runtime/command.ts'
import { problemLine, readConfig } from '#lib/runtime/config.ts'
import { messageOf } from '#lib/runtime/errors.ts'
import { ROLES, chooseRoles, isRole, type Role } from '#lib/runtime/settings/roles.ts'
import type { Config } from '#lib/runtime/settings/sections.ts'
import { registryProblems } from './check.ts'

export interface Settings {
  readonly config: Config | null
  readonly roles: ReadonlySet<Role>
  readonly check: boolean
  /** One line per problem; empty when the platform can start. */
  readonly problems: readonly string[]
}

/** Arguments, `.env` in the working directory, and the environment (which wins). Throws UsageError. */
export function readSettings(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Settings {
  const words = args.filter((arg) => arg !== '--check')
  const unknown = words.filter((word) => !isRole(word))
  if (unknown.length > 0) {
    const expected = `expected --check or the roles ${ROLES.join(' ')}`
    throw new UsageError(...unknown.map((word) => `argument ${word}: ${expected}`))
  }
  const file = readEnvFile('.env')
  const all = { ...file.values, ...env }
  const chosen = chooseRoles(words.filter(isRole), all)
  const { config, problems } = readConfig(all)
  const check = args.includes('--check')
  const beyondSettings = check && config ? registryProblems(config) : []
  const lines = [...file.problems, ...problems.map(problemLine), ...beyondSettings]
  return {
    config,
    roles: chosen.roles,
    check,
    problems: [...chosen.problems, ...lines],
  }
}

function readEnvFile(path: string): { values: NodeJS.Dict<string>; problems: readonly string[] } {
  if (!existsSync(path)) return { values: {}, problems: [] }
  try {
    const text = readFileSync(path, 'utf8')
    return { values: parseEnv(text), problems: lineProblems(path, text) }
  } catch (error) {
    const problem = `${path}: expected a readable text file, got: ${messageOf(error)}`
    return { values: {}, problems: [problem] }
  }
}

/** `parseEnv` passes over a line that it does not understand. */
function lineProblems(path: string, text: string): readonly string[] {
  return text.split('\n').flatMap((line, at) => {
    if (/^\s*(#.*|(export\s+)?[A-Za-z_]\w*\s*=.*)?$/.test(line)) return []
    return `${path} line ${at + 1}: expected NAME=value or a # comment, got ${line.slice(0, 60)}`
  })
}
