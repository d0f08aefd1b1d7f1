import { readdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { readOptions } from '../../../../bench/options.ts'
import { SECTIONS, wantedSections } from '../../../../bench/sections/catalogue.ts'

const wantedNames = (...args: readonly string[]) =>
  wantedSections(readOptions(args)).map(({ name }) => name)

describe('the sections of the bench', () => {
  it('are listed, one file each', () => {
    const files = readdirSync(new URL('../../../../bench/sections', import.meta.url))
    const names = files.map((name) => name.slice(0, -3)).toSorted()
    expect(names.filter((name) => !['catalogue', 'section'].includes(name))).toEqual(
      SECTIONS.map(({ name }) => name).toSorted(),
    )
  })

  it('run all but the comparison and the abuses unless options name some', () => {
    expect(wantedNames()).toEqual(
      SECTIONS.map(({ name }) => name).filter((name) => !['abuse', 'against'].includes(name)),
    )
    expect(wantedNames('--only', 'idle,steady')).toEqual(['steady', 'idle'])
  })

  it('are the comparison alone when another checkout is given', () => {
    expect(wantedNames('--against', '.')).toEqual(['against'])
    expect(wantedNames('--against', '.', '--only', 'steady')).toEqual(['steady', 'against'])
  })

  it('are refused under a wrong name, and the comparison without a checkout', () => {
    expect(() => wantedNames('--only', 'steady,unknown')).toThrow(/got unknown$/)
    expect(() => wantedNames('--only', 'against')).toThrow(/expected --against/)
  })
})

describe('the options of the bench', () => {
  it('are refused when they are not whole numbers above 0', () => {
    for (const args of [
      ['--pairs', '0'],
      ['--runs', 'x'],
      ['--rates', '1000,'],
    ]) {
      expect(() => readOptions(args)).toThrow(/expected a whole number above 0/)
    }
  })

  it('are refused when they are unknown', () => {
    expect(() => readOptions(['--rat', '1'])).toThrow(/rat/)
    expect(() => readOptions(['--without', 'influx'])).toThrow(/expected peer/)
  })
})
