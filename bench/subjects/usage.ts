import { cpuSeconds, rssMib } from '../machine.ts'
import type { Subject } from './subject.ts'

/** Processor seconds of all its processes so far. */
export function totalCpuS({ pids }: Subject): number {
  return Object.values(pids).reduce((sum, pid) => sum + cpuSeconds(pid), 0)
}

/** Resident memory of all its processes, MiB. */
export function totalRssMib({ pids }: Subject): number {
  return Object.values(pids).reduce((sum, pid) => sum + rssMib(pid), 0)
}
