import { readFileSync } from 'node:fs'
import { z } from 'zod'
import { PlatformError, messageOf } from '#lib/runtime/errors.ts'
import { isLoopback } from '#lib/runtime/network/loopback.ts'
import { ID_PATTERN } from '#lib/telemetry/ids.ts'

/** Media types that request a version (rFMS 2.1 and 3.0 as FMS vendor types, 4.0 as a parameter). */
export const MEDIA_TYPES = {
  '2.1': 'application/vnd.fmsstandard.com.Vehiclestatuses.v2.1+json; UTF-8',
  '3.0': 'application/vnd.fmsstandard.com.vehiclestatuses.v3.0+json; UTF-8',
  '4.0': 'application/json; rfms=vehiclestatuses.v4.0',
} as const

export type RfmsVersion = keyof typeof MEDIA_TYPES

const address = z.url({ protocol: /^https?$/ }).refine(
  (text) => {
    const { protocol, hostname } = new URL(text)
    return protocol === 'https:' || isLoopback(hostname)
  },
  { error: 'expected https: passwords must not be sent in clear text' },
)

const Server = z.strictObject({
  /** Names its cursor file and its topic. */
  name: z.string().regex(ID_PATTERN),
  /** The tenant of the vehicles: a VIN of another tenant is not found. */
  tenant: z.string().regex(ID_PATTERN),
  /** The address before `/vehiclestatuses`. */
  url: address,
  version: z.enum(['2.1', '3.0', '4.0']).default('4.0'),
  /** User and password, or client id and secret where there is a `tokenUrl`. */
  user: z.string().min(1),
  password: z.string().min(1),
  /** OAuth 2 client credentials; without it Basic. */
  tokenUrl: address.optional(),
  scope: z.string().min(1).optional(),
  everySeconds: z.number().min(1).max(86_400).default(60),
  /** How far back the first request goes. */
  firstHours: z
    .number()
    .min(0)
    .max(14 * 24)
    .default(1),
  /** Vehicles that are no device: a rejection each, or counted and left out. */
  unregistered: z.enum(['reject', 'skip']).default('reject'),
})

export type RfmsServer = z.infer<typeof Server>

const Servers = z
  .array(Server)
  .refine((servers) => new Set(servers.map(({ name }) => name)).size === servers.length, {
    error: 'expected a different name for each server',
  })

/** The servers of `PADBORG_RFMS_FILE`. Throws CONFIG_INVALID with every problem; no secret is shown. */
export function readRfmsServers(path: string): readonly RfmsServer[] {
  const parsed = Servers.safeParse(readJson(path))
  if (parsed.success) return parsed.data
  const problems = parsed.error.issues.map(({ path: at, message }) => `${at.join('.')}: ${message}`)
  throw invalid(path, problems.join('; '))
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    // The message of a syntax error shows a part of the text, which may hold a password.
    const got = error instanceof SyntaxError ? 'text that is not JSON' : messageOf(error)
    throw invalid(path, `expected a readable JSON list of rFMS servers, got ${got}`)
  }
}

function invalid(path: string, problem: string): PlatformError {
  return new PlatformError(
    'CONFIG_INVALID',
    `PADBORG_RFMS_FILE=${path}: ${problem}; docs/rfms.md shows the file`,
  )
}
