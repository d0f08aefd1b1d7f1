import { dirname } from 'node:path'
import { linesOf, type Source } from './sources.ts'

export interface FolderSize {
  readonly folder: string
  readonly files: number
  readonly lines: number
}

/** Top-level folders that are shown by their folders too. */
const SHOWN_BY_PART = new Set(['lib', 'ingest', 'broker', 'api', 'dashboards'])
/** A folder with more files side by side usually holds two ideas. */
export const CROWDED_FROM = 14

/** Files and lines of each top-level folder, and of the folders in some of them. */
export function folderSizes(sources: readonly Source[]): readonly FolderSize[] {
  const sizes = new Map<string, { files: number; lines: number }>()
  for (const { path, text } of sources) {
    for (const folder of shownFolders(path)) {
      const size = sizes.get(folder) ?? { files: 0, lines: 0 }
      sizes.set(folder, { files: size.files + 1, lines: size.lines + linesOf(text) })
    }
  }
  return [...sizes]
    .map(([folder, size]) => ({ folder, ...size }))
    .toSorted((a, b) => (a.folder < b.folder ? -1 : 1))
}

function shownFolders(path: string): readonly string[] {
  const [top = '', second, ...deeper] = path.split('/')
  if (second === undefined) return ['(root)']
  if (!SHOWN_BY_PART.has(top)) return [top]
  return [top, deeper.length > 0 ? `${top}/${second}` : `${top}/(files)`]
}

/** How many files lie directly in each folder, most first. */
export function rootFiles(
  sources: readonly Source[],
): readonly { folder: string; files: number }[] {
  const counts = new Map<string, number>()
  for (const { path } of sources) {
    counts.set(dirname(path), (counts.get(dirname(path)) ?? 0) + 1)
  }
  return [...counts]
    .map(([folder, files]) => ({ folder, files }))
    .toSorted((a, b) => b.files - a.files || (a.folder < b.folder ? -1 : 1))
}
