import { createContext } from 'preact'
import { useContext } from 'preact/hooks'
import { createLanguage, type Language } from './language.ts'

const LanguageContext = createContext<Language>(createLanguage('en'))
export const LanguageProvider = LanguageContext.Provider
export const useLanguage = (): Language => useContext(LanguageContext)
