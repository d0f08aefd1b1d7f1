import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Device } from '#lib/registry/registry.ts'

/** A case of a format: its payload, and `expected.json` as tests/cases/README.md describes it. */
export interface FormatCase {
  readonly format: string
  readonly name: string
  readonly payload: Buffer
  readonly expected: ExpectedCase
}

export interface ExpectedCase {
  readonly device: Device['kind']
  readonly channel?: string
  readonly settings?: Device['settings']
  readonly secrets?: unknown
  readonly source?: string
  readonly computed?: string
  readonly drafts: readonly { readonly kind: string }[]
  readonly refused: readonly { readonly item: number }[]
}

const CASES = join(import.meta.dirname, '../cases')

/** Formats that have a folder of cases. */
export const CASE_FORMATS: readonly string[] = foldersIn(CASES)

export function casesOf(format: string): readonly FormatCase[] {
  return foldersIn(join(CASES, format)).map((name) => caseNamed(format, name))
}

export function caseNamed(format: string, name: string): FormatCase {
  const folder = join(CASES, format, name)
  const binary = join(folder, 'input.bin')
  const payload = readFileSync(existsSync(binary) ? binary : join(folder, 'input.json'))
  const expected = JSON.parse(readFileSync(join(folder, 'expected.json'), 'utf8'))
  return { format, name, payload, expected }
}

/** Whether a case is refused as a whole. */
export function isBad({ name }: FormatCase): boolean {
  return name.startsWith('bad-')
}

function foldersIn(path: string): string[] {
  const entries = readdirSync(path, { withFileTypes: true })
  return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name)
}
