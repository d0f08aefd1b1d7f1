import { declarationsOf, type Declaration } from './column-declarations.ts'
import { folderSizes, rootFiles, type FolderSize } from './folders.ts'
import { functionsOf } from './functions.ts'
import { verifyHops, type HopFigures, type HopList } from './hops.ts'
import { listsNaming, type ListPlace } from './query-lists.ts'
import { linesOf, type Source } from './sources.ts'

export interface LongFunction {
  readonly path: string
  readonly line: number
  readonly name: string
  readonly lines: number
}

/** What is counted of product code and of tests alike. */
export interface CodeFigures {
  readonly files: number
  readonly lines: number
  /** Lines get fewer by squeezing too, characters do not. */
  readonly characters: number
  readonly folders: readonly FolderSize[]
  /** Folders by the number of files directly in them. */
  readonly rootFiles: readonly { readonly folder: string; readonly files: number }[]
  readonly functions: number
  /** How many functions are longer than so many lines. */
  readonly longerThan: Readonly<Record<string, number>>
  readonly longFunctions: readonly LongFunction[]
}

export interface Measures {
  readonly product: CodeFigures
  readonly tests: CodeFigures
  /** By query. */
  readonly queryLists: Readonly<Record<string, readonly ListPlace[]>>
  /** By column. */
  readonly declarations: Readonly<Record<string, readonly Declaration[]>>
  readonly hops: readonly HopFigures[]
}

const LENGTHS = [50, 60, 80, 100]
/** Longer functions are listed by name. */
export const LONG = 60
const QUERIES = ['latency', 'jitter']
const COLUMNS = ['p95Ms']

export function measureCode(sources: readonly Source[], hopLists: readonly HopList[]): Measures {
  return {
    product: codeFigures(sources.filter(({ isTest }) => !isTest)),
    tests: codeFigures(sources.filter(({ isTest }) => isTest)),
    queryLists: Object.fromEntries(QUERIES.map((query) => [query, listsNaming(query, sources)])),
    declarations: Object.fromEntries(
      COLUMNS.map((column) => [column, declarationsOf(column, sources)]),
    ),
    hops: hopLists.map((list) => verifyHops(list, sources)),
  }
}

function codeFigures(sources: readonly Source[]): CodeFigures {
  const functions = sources.flatMap(functionsOf)
  const long = functions
    .filter(({ lines }) => lines > LONG)
    .toSorted((a, b) => b.lines - a.lines)
    .map(({ path, line, name, lines }) => ({ path, line, name, lines }))
  return {
    files: sources.length,
    lines: sources.reduce((sum, { text }) => sum + linesOf(text), 0),
    characters: sources.reduce((sum, { text }) => sum + text.length, 0),
    folders: folderSizes(sources),
    rootFiles: rootFiles(sources),
    functions: functions.length,
    longerThan: Object.fromEntries(
      LENGTHS.map((limit) => [limit, functions.filter(({ lines }) => lines > limit).length]),
    ),
    longFunctions: long,
  }
}
