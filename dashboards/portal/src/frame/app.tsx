import { useEffect } from 'preact/hooks'
import type { Cell } from '../data/cell.ts'
import { PortalProvider, useCell } from '../data/hooks.ts'
import type { Portal } from '../data/portal.ts'
import { DevicePage } from '../devices/device-page.tsx'
import { Overview } from '../homes/overview.tsx'
import { Drill } from '../readings/drill.tsx'
import { LanguageProvider, type Language } from './language.ts'
import type { Place } from './router.ts'
import { Header } from './header.tsx'
import { resume, SignIn } from './sign-in.tsx'
import type { Theme } from './theme.ts'

export interface AppProps {
  readonly portal: Portal
  readonly language: Cell<Language>
  readonly theme: Cell<Theme>
  readonly place: Cell<Place>
}

export function App({ portal, language, theme, place }: AppProps) {
  const session = useCell(portal.session)
  const speech = useCell(language)
  const here = useCell(place)
  useEffect(() => void resume(portal), [portal])
  useEffect(() => {
    document.documentElement.lang = speech.code
    document.title = speech.t('title')
  }, [speech])
  return (
    <PortalProvider value={portal}>
      <LanguageProvider value={speech}>
        <a class="skip" href="#figures">
          {speech.t('skip')}
        </a>
        <Header language={language} theme={theme} />
        <main id="figures" tabIndex={-1}>
          {session ? <Page place={here} /> : <SignIn />}
        </main>
        {session && <Drill place={here} />}
      </LanguageProvider>
    </PortalProvider>
  )
}

function Page({ place: { page, parameters } }: { readonly place: Place }) {
  return page === 'device' ? <DevicePage device={parameters['id']} /> : <Overview />
}
