import { describe, expect, it } from 'vitest'
import { folderSizes, rootFiles } from '../../../../scripts/measure/folders.ts'
import { linesOf } from '../../../../scripts/measure/sources.ts'

const source = (path: string, text: string) => ({ path, text, isTest: false })
const SOURCES = [
  source('main.ts', 'a\n'),
  source('lib/kpi/loss.ts', 'a\nb\n'),
  source('lib/kpi/heat/sum.ts', 'a\n\nb'),
  source('ingest/worker.ts', 'a\n'),
  source('seeds/testbed/trucks.ts', 'a\n'),
]

describe('the size of folders', () => {
  it('is counted for each top-level folder and for the parts of the large ones', () => {
    expect(folderSizes(SOURCES)).toEqual([
      { folder: '(root)', files: 1, lines: 1 },
      { folder: 'ingest', files: 1, lines: 1 },
      { folder: 'ingest/(files)', files: 1, lines: 1 },
      { folder: 'lib', files: 2, lines: 5 },
      { folder: 'lib/kpi', files: 2, lines: 5 },
      { folder: 'seeds', files: 1, lines: 1 },
    ])
  })

  it('is of the files directly in a folder where crowded folders are looked for', () => {
    expect(rootFiles([...SOURCES, source('lib/kpi/beta.ts', '')])[0]).toEqual({
      folder: 'lib/kpi',
      files: 2,
    })
  })

  it('counts a last line without its line feed', () => {
    expect(['', 'a', 'a\n', 'a\nb'].map(linesOf)).toEqual([0, 1, 1, 2])
  })
})
