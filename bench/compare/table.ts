import type { Pair } from './pairs.ts'

const COLUMNS: readonly (readonly [string, (pair: Pair) => string])[] = [
  ['order', ({ order }) => order],
  ['CPU us A', ({ a }) => a.cpuPerMillionStoredS.toFixed(1)],
  ['CPU us B', ({ b }) => b.cpuPerMillionStoredS.toFixed(1)],
  ['A / B', ({ cpuRatio }) => cpuRatio.toFixed(3)],
  ['p50 ms A', ({ a }) => a.p50Ms.toFixed(2)],
  ['p50 ms B', ({ b }) => b.p50Ms.toFixed(2)],
  ['p99 ms A', ({ a }) => a.p99Ms.toFixed(1)],
  ['p99 ms B', ({ b }) => b.p99Ms.toFixed(1)],
  ['RSS MiB A', ({ a }) => String(a.rssMib)],
  ['RSS MiB B', ({ b }) => String(b.rssMib)],
  ['foreign cores', ({ a, b }) => `${a.foreignCores.toFixed(2)} ${b.foreignCores.toFixed(2)}`],
  ['held', ({ a, b }) => [a, b].map(({ isHeld }) => (isHeld ? 'yes' : 'no')).join(' ')],
]

export function tableHead(): string {
  return COLUMNS.map(([title]) => title).join('  ')
}

export function tableRow(pair: Pair): string {
  return COLUMNS.map(([title, text]) => text(pair).padStart(title.length)).join('  ')
}
