import { createCell, type Cell } from '../data/cell.ts'
import { createLanguage, isLanguageCode, type Language } from '../words/language.ts'
import { readItem, writeItem } from './browser-storage.ts'

/** The language chosen before, else the first that the browser wants and the portal has. */
export function createLanguageCell(): Cell<Language> {
  const wanted = [readItem('language'), ...navigator.languages.map((tag) => tag.slice(0, 2))]
  const code = wanted.find((code) => code !== null && isLanguageCode(code))
  return createCell(createLanguage(code ?? 'en'))
}

export function chooseLanguage(cell: Cell<Language>, code: string): void {
  if (!isLanguageCode(code)) return
  writeItem('language', code)
  cell.set(createLanguage(code))
}
