import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'

export const ROOT = new URL('../../..', import.meta.url).pathname

const words = z.array(z.string())
const network = z.strictObject({ aliases: words.optional() }).nullable()

/** What a service may say; a key that is not here is a slip of the pen, or needs a test of its own. */
const service = z.strictObject({
  image: z.string(),
  build: z.literal('.').optional(),
  profiles: words.optional(),
  user: z.string(),
  command: words.optional(),
  entrypoint: words.optional(),
  environment: z.record(z.string(), z.string()).default({}),
  depends_on: z
    .record(
      z.string(),
      z.strictObject({
        condition: z.enum(['service_started', 'service_healthy', 'service_completed_successfully']),
        required: z.boolean().default(true),
      }),
    )
    .default({}),
  ports: words.default([]),
  volumes: words.default([]),
  tmpfs: words.default([]),
  networks: z.union([words, z.record(z.string(), network)]),
  healthcheck: z
    .strictObject({
      test: words,
      interval: z.string(),
      timeout: z.string(),
      retries: z.number(),
      start_period: z.string(),
    })
    .optional(),
  restart: z.string(),
  read_only: z.literal(true),
  cap_drop: words,
  security_opt: words,
  pids_limit: z.number(),
  logging: z.strictObject({ driver: z.string(), options: z.record(z.string(), z.string()) }),
  stop_grace_period: z.string().optional(),
  ulimits: z
    .strictObject({ nofile: z.strictObject({ soft: z.number(), hard: z.number() }) })
    .optional(),
})

const file = z.object({
  name: z.string(),
  services: z.record(z.string(), service),
  networks: z.record(z.string(), z.strictObject({ internal: z.boolean().optional() })),
  volumes: z.record(z.string(), z.strictObject({})),
})

export type Service = z.infer<typeof service>
export type Compose = z.infer<typeof file>

export const COMPOSE_TEXT = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8')

/** The file as Compose reads it, before its variables are filled in. */
export function readCompose(): Compose {
  return file.parse(parse(COMPOSE_TEXT, { merge: true }))
}

export interface Variable {
  readonly name: string
  /** Undefined: Compose refuses to start without a value. */
  readonly fallback: string | undefined
}

/** `${NAME:-default}` and `${NAME:?why}`; `$$` is a dollar sign. */
const VARIABLE = /\$\$|\$\{(\w+)(?::(-|\?)([^}]*))?\}/g

export function variablesOf(text: string): Variable[] {
  return [...text.matchAll(VARIABLE)]
    .filter(([whole]) => whole !== '$$')
    .map(([, name = '', operator, rest]) => ({
      name,
      fallback: operator === '-' ? (rest ?? '') : undefined,
    }))
}

/** Fills in variables as Compose does; throws where it would refuse. */
export function interpolate(text: string, env: Readonly<Record<string, string>>): string {
  return text.replaceAll(VARIABLE, (whole, name: string, operator: string, rest: string) => {
    if (whole === '$$') return '$'
    const value = env[name]
    if (value !== undefined && value !== '') return value
    if (operator === '-') return rest
    throw new Error(`${name}: ${rest ?? 'not set'}`)
  })
}

export function environmentOf(
  { environment }: Service,
  env: Readonly<Record<string, string>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [name, interpolate(value, env)]),
  )
}

/** The services that start with these profiles. */
export function activeServices({ services }: Compose, profiles: readonly string[]): string[] {
  return Object.entries(services)
    .filter(([, one]) => one.profiles?.some((name) => profiles.includes(name)) ?? true)
    .map(([name]) => name)
}

/** Names other containers reach it by, on any network. */
export function namesOf(name: string, { networks }: Service): string[] {
  if (Array.isArray(networks)) return [name]
  return [name, ...Object.values(networks).flatMap((one) => one?.aliases ?? [])]
}

export function networksOf({ networks }: Service): string[] {
  return Array.isArray(networks) ? networks : Object.keys(networks)
}
