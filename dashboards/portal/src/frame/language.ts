import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import { createCell, type Cell } from '../data/cell.ts'
import { createFormats, type Formats } from './formats.ts'
import { recall, remember } from './memory.ts'
import { da } from '../words/da.ts'
import { de } from '../words/de.ts'
import { en, type WordName, type Words } from '../words/en.ts'

const CATALOGUES = {
  da: { name: 'Dansk', locale: 'da-DK', words: da },
  de: { name: 'Deutsch', locale: 'de-DE', words: de },
  en: { name: 'English', locale: 'en-GB', words: en },
} as const satisfies Record<string, { name: string; locale: string; words: Words }>

export type LanguageCode = keyof typeof CATALOGUES
export const LANGUAGES = Object.entries(CATALOGUES).map(([code, { name }]) => ({ code, name }))

type Values = Readonly<Record<string, string | number>>

export interface Language {
  readonly code: LanguageCode
  /** A word or sentence, its {places} filled. */
  readonly t: (name: WordName, values?: Values) => string
  /** The same for names that come from data, such as kinds; the given text where there is none. */
  readonly named: (group: string, name: string) => string
  readonly formats: Formats
}

function isCode(text: string): text is LanguageCode {
  return Object.hasOwn(CATALOGUES, text)
}

export function createLanguage(code: LanguageCode): Language {
  const { locale } = CATALOGUES[code]
  const words: Words = CATALOGUES[code].words
  const t = (name: WordName, values: Values = {}) =>
    words[name].replaceAll(/\{(\w+)\}/g, (whole, place: string) => String(values[place] ?? whole))
  return {
    code,
    t,
    named(group, name) {
      const key = `${group}.${name}`
      return isWord(key) ? words[key] : name
    },
    formats: createFormats(locale, t),
  }
}

function isWord(name: string): name is WordName {
  return Object.hasOwn(en, name)
}

/** The language chosen before, else the first that the browser asks for and we have. */
export function createLanguageCell(): Cell<Language> {
  const wanted = [recall('language'), ...navigator.languages.map((tag) => tag.slice(0, 2))]
  return createCell(createLanguage(wanted.find((code) => code !== null && isCode(code)) ?? 'en'))
}

export function choose(cell: Cell<Language>, code: string): void {
  if (!isCode(code)) return
  remember('language', code)
  cell.set(createLanguage(code))
}

const LanguageContext = createContext<Language>(createLanguage('en'))
export const LanguageProvider = LanguageContext.Provider
export const useLanguage = (): Language => useContext(LanguageContext)
