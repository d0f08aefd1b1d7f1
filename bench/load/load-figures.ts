import { setTimeout as pause } from 'node:timers/promises'
import { round } from '../machine.ts'
import type { Subject } from '../subjects/subject.ts'
import { totalCpuS, totalRssMib } from '../subjects/usage.ts'
import type { Generator, LoadResult } from './generator.ts'

/** Seconds of one load of the steady profile. */
const STEADY_SECONDS = 12

/** What most sections report of one load. */
export function loadFigures(subject: Subject, load: LoadResult) {
  const processes = Object.keys(subject.pids).map(
    (name) => [name, processFigures(load[name])] as const,
  )
  const ownCores = processes.reduce((sum, [, { cores }]) => sum + cores, load.gen_core)
  return {
    sent: load.sent,
    acked: load.acked,
    p50Ms: load.ack_ms.p50,
    p99Ms: load.ack_ms.p99,
    cpuPerMillionS: processes.reduce((sum, [, { cpu_s_per_M: cpuS }]) => sum + cpuS, 0),
    cpuOf: Object.fromEntries(processes.map(([name, { cpu_s_per_M: cpuS }]) => [name, cpuS])),
    rssMib: totalRssMib(subject),
    generatorCores: load.gen_core,
    /** Cores used by neither the subject nor the generator. */
    foreignCores: round(load.machine_busy_cores - ownCores, 2),
    stealCores: load.steal_cores,
  }
}

function processFigures(figures: LoadResult[string]): ProcessFigures {
  const isFigures = typeof figures === 'object' && figures !== null && 'cpu_s_per_M' in figures
  return isFigures ? (figures as ProcessFigures) : { cpu_s_per_M: 0, cores: 0 }
}

interface ProcessFigures {
  readonly cpu_s_per_M: number
  readonly cores: number
}

/** A load of the steady profile, and what a message costs from its arrival until it is stored. */
export async function steadyFigures(subject: Subject, generator: Generator, rate: number) {
  const cpuBeforeS = totalCpuS(subject)
  const load = await generator.load(subject, { rate, seconds: STEADY_SECONDS })
  await pause(3000)
  const figures = loadFigures(subject, load)
  const missing = load.sent - (await subject.rows())
  const stored = await finallyStored(subject, load.sent)
  const cpuS = totalCpuS(subject) - cpuBeforeS
  return {
    ...figures,
    isHeld: isHeld(load, rate, load.sent - missing),
    missing,
    missingAtEnd: load.sent - stored,
    cpuPerMillionStoredS: round((cpuS / stored) * 1e6, 2),
    rssAtEndMib: totalRssMib(subject),
  }
}

export type SteadyFigures = Awaited<ReturnType<typeof steadyFigures>>

/** Whether a subject keeps up with a rate: what it stored 3 s after the end, and how it acknowledged. */
export function isHeld(load: LoadResult, rate: number, stored: number): boolean {
  return stored >= load.sent * 0.998 && load.ack_ms.p99 < 1000 && load.backlog <= rate * 0.05
}

/**
 * Rows in the end. After a load a subject may still owe work for what lags, and a figure of the load
 * alone would not charge it.
 */
async function finallyStored(subject: Subject, sent: number): Promise<number> {
  const begun = performance.now()
  let stored = await subject.rows()
  let unchanged = 0
  // Rows that no longer come were acknowledged and lost.
  while (stored < sent && unchanged < 5 && performance.now() - begun < 60_000) {
    await pause(1000)
    const now = await subject.rows()
    unchanged = now === stored ? unchanged + 1 : 0
    stored = now
  }
  return stored
}
