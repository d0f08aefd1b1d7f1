import type { Cell } from '../data/cell.ts'
import { useCell, usePortal } from '../data/use-portal.ts'
import type { WordName } from '../words/en.ts'
import { LANGUAGES, type Language } from '../words/language.ts'
import { useLanguage } from '../words/use-language.ts'
import { writeItem } from './browser-storage.ts'
import { ConnectionPill } from './connection-pill.tsx'
import './header.css'
import { chooseLanguage } from './language-choice.ts'
import mark from './mark.svg'
import { THEMES, type Theme } from './theme.ts'

const THEME_WORDS: Readonly<Record<Theme, WordName>> = {
  auto: 'themeAuto',
  light: 'themeLight',
  dark: 'themeDark',
}

interface HeaderProps {
  readonly language: Cell<Language>
  readonly theme: Cell<Theme>
}

export function Header({ language, theme }: HeaderProps) {
  const { session } = usePortal()
  const signedIn = useCell(session)
  const { t } = useLanguage()
  return (
    <header class="top">
      <div class="brand">
        <img src={mark} alt="" width="28" height="28" />
        <div>
          <h1>{t('title')}</h1>
          <p class="purpose">{t('purpose')}</p>
        </div>
      </div>
      {signedIn && <ConnectionPill />}
      <div class="controls">
        <LanguageChoice language={language} />
        <ThemeChoice theme={theme} />
        <a href="/docs">{t('apiDocs')}</a>
        {signedIn && <Account />}
      </div>
    </header>
  )
}

function LanguageChoice({ language }: Pick<HeaderProps, 'language'>) {
  const { t, code } = useLanguage()
  return (
    <select
      aria-label={t('language')}
      value={code}
      onChange={({ currentTarget }) => chooseLanguage(language, currentTarget.value)}
    >
      {LANGUAGES.map(({ code, name }) => (
        <option key={code} value={code} lang={code}>
          {name}
        </option>
      ))}
    </select>
  )
}

function ThemeChoice({ theme }: Pick<HeaderProps, 'theme'>) {
  const { t } = useLanguage()
  const chosen = useCell(theme)
  return (
    <select
      aria-label={t('theme')}
      value={chosen}
      onChange={({ currentTarget: { value } }) =>
        theme.set(THEMES.find((name) => name === value) ?? 'auto')
      }
    >
      {THEMES.map((name) => (
        <option key={name} value={name}>
          {t(THEME_WORDS[name])}
        </option>
      ))}
    </select>
  )
}

function Account() {
  const portal = usePortal()
  const session = useCell(portal.session)
  const { t, named } = useLanguage()
  if (!session) return null
  const { role, tenant, name } = session
  const signOut = async () => {
    writeItem('signed-in', null)
    await portal.client.signOut()
    portal.end()
  }
  return (
    <>
      <span class="who" title={name}>
        {named('role', role).replace('{tenant}', tenant ?? '')}
      </span>
      <button type="button" onClick={() => void signOut()}>
        {t('signOut')}
      </button>
    </>
  )
}
