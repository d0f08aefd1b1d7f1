import { CROWDED_FROM } from './folders.ts'
import { ANONYMOUS } from './functions.ts'
import { LONG, type CodeFigures, type Measures } from './measure-code.ts'

/** The measures as text. */
export function measureReport({
  product,
  tests,
  queryLists,
  declarations,
  hops,
}: Measures): string {
  const lists = Object.entries(queryLists).map(([query, places]) =>
    section(
      `lists that name the query ${query}: ${places.length}`,
      places.map(({ path, line, names }) => `${path}:${line} (names ${names.length} queries)`),
    ),
  )
  const columns = Object.entries(declarations).map(([column, places]) =>
    section(
      `declarations of the column ${column}: ${places.length}`,
      places.map(({ path, line, sort }) => `${path}:${line} (${sort})`),
    ),
  )
  const paths = hops.map((path) =>
    section(
      `hops of ${path.name}: ${path.hops} through ${path.files} files, ${path.crossings} crossings ` +
        `(${path.from} to ${path.to})`,
      path.faults.map((fault) => `NOT TRUE: ${fault}`),
    ),
  )
  return [
    codeReport('product', product),
    ...lists,
    ...columns,
    ...(paths.length > 0 ? paths : ['hops: no list\n']),
    codeReport('tests', tests),
  ].join('\n')
}

function codeReport(title: string, code: CodeFigures): string {
  const long = Object.entries(code.longerThan).map(([limit, count]) => `${count} over ${limit}`)
  const crowded = code.rootFiles.filter(({ files }) => files > CROWDED_FROM)
  return [
    `${title}: ${code.files} files, ${code.lines} lines, ${code.characters} characters\n`,
    section(
      `${title}, lines by folder`,
      code.folders.map(
        ({ folder, files, lines }) => `${pad(lines)} lines ${pad(files)} files  ${folder}`,
      ),
    ),
    section(
      `${title}, folders with more than ${CROWDED_FROM} files directly in them: ${crowded.length}`,
      crowded.map(({ folder, files }) => `${pad(files)} ${folder}`),
    ),
    section(
      `${title}, ${code.functions} functions, by lines: ${long.join(', ')}; named ones over ${LONG}`,
      code.longFunctions
        // The callback of a `describe` is a list of tests.
        .filter(({ name }) => !name.endsWith(ANONYMOUS))
        .map(({ lines, path, line, name }) => `${pad(lines)} ${path}:${line} ${name}`),
    ),
  ].join('\n')
}

function section(title: string, rows: readonly string[]): string {
  return [title, ...rows.map((row) => `  ${row}`), ''].join('\n')
}

function pad(value: number): string {
  return String(value).padStart(6)
}
