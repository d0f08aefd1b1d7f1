import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT } from './compose-file.ts'

export interface Instruction {
  readonly name: string
  readonly text: string
}

export interface Stage {
  readonly name: string
  readonly image: string
  readonly instructions: readonly Instruction[]
}

export interface Copy {
  /** The stage it comes from; null for this folder. */
  readonly from: string | null
  readonly sources: readonly string[]
  readonly target: string
}

/** The stages of the Dockerfile, comments gone and continued lines joined. */
export function readDockerfile(): Stage[] {
  const text = readFileSync(join(ROOT, 'Dockerfile'), 'utf8')
  const lines = text
    .replaceAll(/^\s*#.*\n/gm, '')
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
  const stages: { name: string; image: string; instructions: Instruction[] }[] = []
  for (const line of lines) {
    const [, name = '', rest = ''] = /^([A-Z]+)\s+(.*)$/.exec(line.trim()) ?? []
    if (name === '') throw new Error(`Dockerfile: expected an instruction, got ${line}`)
    const stage = /^(\S+)\s+AS\s+(\S+)$/.exec(rest)
    if (name === 'FROM' && stage) {
      stages.push({ image: stage[1] ?? '', name: stage[2] ?? '', instructions: [] })
      continue
    }
    stages.at(-1)?.instructions.push({ name, text: rest })
  }
  return stages
}

export function copiesOf({ instructions }: Stage): Copy[] {
  return instructions
    .filter(({ name }) => name === 'COPY')
    .map(({ text }) => {
      const words = text.split(/\s+/)
      const flag = words.find((word) => word.startsWith('--from='))
      const paths = words.filter((word) => !word.startsWith('--'))
      return {
        from: flag?.slice('--from='.length) ?? null,
        sources: paths.slice(0, -1),
        target: paths.at(-1) ?? '',
      }
    })
}

/** Whether `.dockerignore` keeps a path of this folder out of the build; the last line that fits wins. */
export function isIgnored(path: string): boolean {
  const lines = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n')
  let ignored = false
  for (const line of lines) {
    if (line === '' || line.startsWith('#')) continue
    const keeps = line.startsWith('!')
    if (fits(keeps ? line.slice(1) : line, path)) ignored = !keeps
  }
  return ignored
}

/** A pattern fits a path and everything below it. */
function fits(pattern: string, path: string): boolean {
  const expression = pattern
    .replaceAll('.', '\\.')
    .replaceAll('**/', '(?:.*/)?')
    .replaceAll(/(?<!\.)\*/g, '[^/]*')
  return new RegExp(`^${expression}(/.*)?$`).test(path)
}
