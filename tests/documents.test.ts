import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'

/*
 * A comment may only cite what a reader of a clone can open. So every name of a Markdown document,
 * in code, comments, test data and documents, is one of a file of this repository, and what is cited
 * of it by number or by heading is there.
 */

const ROOT = new URL('..', import.meta.url).pathname
/** Not of the repository (`.gitignore`), and the lock file, whose texts are those of packages. */
const OTHERS =
  /(^|\/)(node_modules|dist)$|^(\.git|coverage|bench-results|data(-[^/]*)?|package-lock\.json)$/
const TEXT = /\.(ts|tsx|mjs|md|json|yaml|yml|css|conf|sh)$|(^|\/)(Dockerfile|\.env\.example)$/
const FACTS = 'docs/domain.md'

const TEXTS = new Map(
  textFiles('').map((file) => [file, readFileSync(join(ROOT, file), 'utf8')] as const),
)

describe('what the repository cites', () => {
  it('names only documents that are in the repository', () => {
    const faults = [...TEXTS].flatMap(([file, text]) =>
      namesIn(text)
        .filter((name) => !candidates(file, name).some((path) => existsSync(join(ROOT, path))))
        .map((name) => `${file} cites ${name}`),
    )
    expect(faults).toEqual([])
  })

  it('names only sections of docs/domain.md that are headings there', () => {
    const headings = new Set(
      [...read(FACTS).matchAll(/^#{2,3} (\d+(?:\.\d+)?)\.? /gm)].map(([, number]) => number),
    )
    const cited = [...TEXTS].flatMap(([file, text]) =>
      sectionsIn(text).map((section) => ({ file, section })),
    )
    expect(cited.length).toBeGreaterThan(100)
    expect(cited.filter(({ section }) => !headings.has(section))).toEqual([])
  })

  it('names only headings that the cited document has', () => {
    const cited = [...TEXTS].flatMap(([file, text]) =>
      [...unbroken(text).matchAll(/(\w[\w/]*\.md), "([^"]+)"/g)].map(
        ([, document = '', heading = '']) => ({ file, document, heading }),
      ),
    )
    expect(cited.length).toBeGreaterThan(5)
    const faults = cited.filter(
      ({ document, heading }) => !read(document).includes(`# ${heading}\n`),
    )
    expect(faults).toEqual([])
  })

  it('names a test for every limit, which is there', () => {
    const rows = read('docs/limits.md')
      .split('\n')
      .filter(
        (line) => line.startsWith('| ') && !line.startsWith('| limit') && !/^\| ?file/.test(line),
      )
      .map((line) => line.split(/(?<!\\)\|/).map((cell) => cell.trim()))
      .filter((cells) => cells.length === 7)
    const faults = rows.filter(([, , , , , test = '']) => {
      const files = [...test.matchAll(/`([^`]+)`/g)].map(([, file]) => file)
      return files.length === 0 || files.some((file) => !existsSync(join(ROOT, `tests/${file}`)))
    })
    expect(faults.map(([, limit, , , , test]) => `${limit}: ${test}`)).toEqual([])
  })

  it('finds citations over line ends, lists and ranges of sections', () => {
    expect(sectionsIn(`// see ${FACTS}\n// 3.3), then ${FACTS} 1.2, 5.3 and ${FACTS} 8.`)).toEqual([
      '3.3',
      '1.2',
      '5.3',
      '8',
    ])
    expect(sectionsIn(`${FACTS} 3.3-3.5; ${FACTS} 5.2: 2 995 messages`)).toEqual([
      '3.3',
      '3.5',
      '5.2',
    ])
  })
})

/** Documents of others, by the name they have there. */
const FOREIGN = new Set(['VDA5050_EN.md', 'VDA5050_EN_V1.md', 'EXTERNAL_PLUGINS.md'])

/** Names of documents; `owner/name:path` is a file of another repository, as are addresses. */
function namesIn(text: string): string[] {
  return [...text.matchAll(/(?<![\w./:-])(?:\.{1,2}\/)*(\w[\w./-]*\.md)\b/g)]
    .map(([, name = '']) => name)
    .filter((name) => !FOREIGN.has(name))
}

/** From the root, or from the folder of the file that cites it. */
function candidates(file: string, name: string): string[] {
  return [name, normalize(join(dirname(file), name))]
}

const SECTION = String.raw`\d+(?:\.\d+)?`
const CITATION = new RegExp(
  String.raw`docs/domain\.md\x60? (${SECTION}(?:(?:-|, (?=\d+\.\d))${SECTION})*)`,
  'g',
)

function sectionsIn(text: string): string[] {
  return [...unbroken(text).matchAll(CITATION)].flatMap(([, list = '']) => list.split(/-|, /))
}

/** Without the line ends in comments, which stand wherever there was no more room. */
function unbroken(text: string): string {
  return text.replaceAll(/\s*\n\s*(?:\*|\/\/|#)?\s*/g, ' ')
}

function read(file: string): string {
  return TEXTS.get(file) ?? ''
}

function textFiles(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (OTHERS.test(path)) return []
    if (entry.isDirectory()) return textFiles(path)
    return entry.isFile() && TEXT.test(path) ? [path] : []
  })
}
