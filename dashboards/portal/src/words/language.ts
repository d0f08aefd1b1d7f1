import { da } from './da.ts'
import { de } from './de.ts'
import { en, type WordName, type Words } from './en.ts'
import { createFormats, type Formats } from './formats.ts'

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
  /** A word or sentence, its {placeholders} filled. */
  readonly t: (name: WordName, values?: Values) => string
  /** A name that comes from data, such as a kind; as it is where there is no word for it. */
  readonly named: (group: string, name: string) => string
  readonly formats: Formats
}

export function isLanguageCode(text: string): text is LanguageCode {
  return Object.hasOwn(CATALOGUES, text)
}

export function createLanguage(code: LanguageCode): Language {
  const { locale } = CATALOGUES[code]
  const words: Words = CATALOGUES[code].words
  const t = (name: WordName, values: Values = {}) =>
    words[name].replaceAll(/\{(\w+)\}/g, (whole, key: string) => String(values[key] ?? whole))
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
